/**
 * What a logout is asked for. Whatever may ask for more than this session is read or refused, never dropped; all else is
 * decoration, which is dropped, named in the answer, and keeps no session alive.
 */
import type { FastifyRequest } from 'fastify'
import { z } from 'zod'
import { Problem } from '../errors.ts'
import { LOGOUT_SCOPES, SCOPES_EXPLAINED } from '../operations/kinds.ts'

/** In bytes: an address as long as most servers take (16 KiB), with every byte percent-encoded by a form. */
export const LOGOUT_BODY = 64 * 1024
/** In characters. */
const LONGEST_URL = 2048
const KNOWN = new Set(['scope', 'callbackUrl'])
/** Any scope but `local`, as a text in JSON. */
const LARGER_SCOPE = new RegExp(`"(${LOGOUT_SCOPES.filter((scope) => scope !== 'local').join('|')})"`, 'i')
/** In the answer: so many fields, of names so long. */
const NAMED = { fields: 10, characters: 100 }

/** What of a request was dropped, and why. */
export const ignored = z.object({ field: z.string(), reason: z.string() })
export type Ignored = z.infer<typeof ignored>

const anyOf = new Intl.ListFormat('en-GB', { type: 'disjunction' })
export const scope = z
  .enum(LOGOUT_SCOPES, `must be ${anyOf.format(LOGOUT_SCOPES)}`)
  .describe(SCOPES_EXPLAINED)

const fields = z
  .looseObject({
    /** A form may hold the same one twice. */
    scope: z.preprocess(onlyOf, scope).default('local'),
    callbackUrl: z.unknown().optional().meta({
      type: 'string',
      description:
        'where to go next; followed to allowed origins only, else it is ignored, as is what is no address',
    }),
  })
  .check(({ value, issues }) => {
    const misspelt = Object.entries(value).find((field) => !KNOWN.has(field[0]) && mayBeScope(field))
    if (!misspelt) return
    const [name, input] = misspelt
    issues.push({ code: 'custom', message: 'is not known; "scope" is', path: [name], input })
  })

/** No body at all means this session only. */
export const logoutRequest = z
  .preprocess((body) => body ?? {}, fields)
  .transform(({ scope, callbackUrl, ...unknown }) => {
    const dropped: Ignored[] = Object.keys(unknown)
      .slice(0, NAMED.fields)
      .map((name) => ({ field: name.slice(0, NAMED.characters), reason: 'is not known' }))
    const fault = faultOf(callbackUrl)
    if (fault) dropped.unshift({ field: 'callbackUrl', reason: fault })
    return { scope, callbackUrl: fault ? undefined : (callbackUrl as string | undefined), ignored: dropped }
  })

/** @throws Problem `invalid_request` for a scope in the query that the body does not have: nothing reads it there. */
export function refuseScopeInQuery({ query }: Pick<FastifyRequest, 'query'>, asked: string): void {
  const { scope } = query as { scope?: unknown }
  if (scope !== undefined && scope !== asked)
    throw new Problem('invalid_request', 'scope: must be in the body, not in the query', { field: 'scope' })
}

/** Whether the body of a request may hold anything. */
export function mayHaveBody({ headers }: Pick<FastifyRequest, 'headers'>): boolean {
  return headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0
}

function onlyOf(given: unknown): unknown {
  return Array.isArray(given) && new Set(given).size === 1 ? given[0] : given
}

/**
 * Somewhere in a field stands a scope: `{scop: 'global'}`, `{options: {scope: 'global'}}`, `{global: true}`. So it may in one that
 * is nested too deeply to be written (about 5,000 levels).
 */
function mayBeScope(field: [name: string, given: unknown]): boolean {
  try {
    return LARGER_SCOPE.test(JSON.stringify(field))
  } catch {
    return true
  }
}

function faultOf(callbackUrl: unknown): string | undefined {
  if (callbackUrl === undefined) return undefined
  if (typeof callbackUrl !== 'string') return 'is not one text'
  return callbackUrl.length > LONGEST_URL ? `is longer than ${LONGEST_URL} characters` : undefined
}
