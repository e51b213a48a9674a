/** Of all that says 401, only this service says it with these words. Proxies and firewalls do, too, with its very challenge even. */

export type RefusalCode = 'unauthenticated' | 'invalid_token'

const CODES = new Map<unknown, RefusalCode>([
  ['urn:global-logout:problem:unauthenticated', 'unauthenticated'],
  ['urn:global-logout:problem:invalid_token', 'invalid_token'],
])

/** Reads a 401. @returns why nobody is signed in; undefined when somebody else answered. */
export async function refusalOf(response: Response): Promise<RefusalCode | undefined> {
  if (response.status !== 401) return undefined
  const text = await response.text()
  try {
    return CODES.get(JSON.parse(text).type)
  } catch {
    return undefined
  }
}
