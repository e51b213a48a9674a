/** Recognises a 401 of this service by its problem type. Proxies and firewalls also answer 401, even with the same challenge. */

export type RefusalCode = 'unauthenticated' | 'invalid_token'

const CODES = new Map<unknown, RefusalCode>([
  ['urn:global-logout:problem:unauthenticated', 'unauthenticated'],
  ['urn:global-logout:problem:invalid_token', 'invalid_token'],
])

/** Reads a 401. @returns why the request is not signed in; undefined if the answer is not from the service. */
export async function refusalOf(response: Response): Promise<RefusalCode | undefined> {
  if (response.status !== 401) return undefined
  const text = await response.text()
  try {
    return CODES.get(JSON.parse(text).type)
  } catch {
    return undefined
  }
}
