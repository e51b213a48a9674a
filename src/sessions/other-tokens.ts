/**
 * The session tokens in the other cookies of a request, beside the one that decides. A browser holds several when the application has
 * changed the name of its cookie, for example between next-auth 4 and Auth.js 5. `@global-logout/postgres` bundles this module.
 */
import type { IncomingHttpHeaders } from 'node:http'
import { type Credential, namesIn } from './credentials.ts'

export interface OtherToken {
  token: string
  /**
   * Whether it decides where the session of the first cookie is over: their names are equally strict, so that a sibling domain could
   * plant either. What is planted under a weaker name never decides.
   */
  mayDecide: boolean
}

type Read = (headers: IncomingHttpHeaders, names: readonly string[]) => Credential | Promise<Credential>

/**
 * @param credential of the request.
 * @param names the session cookies, in the order in which they decide.
 * @param read the credential of headers, by the cookies of one name.
 * @returns the other tokens, in that order. None where the cookies of the first name differ: these are refused.
 */
export async function otherTokens(
  { cookie }: IncomingHttpHeaders,
  credential: Credential,
  names: readonly string[],
  read: Read,
): Promise<OtherToken[]> {
  if (!cookie || namesIn({ cookie }, names).length < 2) return []
  const found = new Map<string, OtherToken>()
  let first: string | undefined
  for (const name of names) {
    const whole = await read({ cookie }, [name])
    if (whole.kind === 'none') continue
    first ??= name
    const differ = whole.kind === 'refused' && whole.ambiguous.length > 0
    if (differ && name === first) return []
    const mayDecide = !differ && strictness(name) === strictness(first)
    for (const each of differ ? await Promise.all(valuesOf(cookie, name, read)) : [whole])
      if (each.kind === 'token' && !found.has(each.token))
        found.set(each.token, { token: each.token, mayDecide })
  }
  if (credential.kind === 'token') found.delete(credential.token)
  return [...found.values()]
}

/** The credentials in cookies of one name that differ: each one alone, and its parts. */
function valuesOf(cookie: string, name: string, read: Read) {
  const pairs = cookie.split(';')
  const isWhole = (pair: string) => namesIn({ cookie: pair }, [name])[0] === name
  const parts = pairs.filter((pair) => !isWhole(pair)).join(';')
  return [...pairs.filter(isWhole), parts].map((cookie) => read({ cookie }, [name]))
}

function strictness(name: string): string {
  return /^__(Host|Secure)-/i.exec(name)?.[0].toLowerCase() ?? ''
}
