/**
 * Parses the body of a logout. A field that may request a larger scope is honoured or refused, never ignored. Any other
 * unknown field is ignored and listed in the answer, so it cannot keep a session alive.
 */
import type { FastifyRequest } from 'fastify'
import { z } from 'zod'
import { Problem } from '../errors.ts'
import { LOGOUT_SCOPES, SCOPES_EXPLAINED } from '../operations/kinds.ts'

/** Longest body, in bytes: the longest URL that most servers accept (16 KiB), with every byte percent-encoded by a form. */
export const LOGOUT_BODY = 64 * 1024
/** Longest `callbackUrl`, in characters. */
const LONGEST_URL = 2048
const KNOWN = new Set(['scope', 'callbackUrl'])
/** Any scope but `local`, as a JSON string. */
const LARGER_SCOPE = new RegExp(`"(${LOGOUT_SCOPES.filter((scope) => scope !== 'local').join('|')})"`, 'i')
/** Limits of the list of ignored fields in the answer. */
const IGNORED_LIMITS = { fields: 10, characters: 100 }

/** A field of the request that was ignored, and why. */
export const ignored = z.object({ field: z.string(), reason: z.string() })
export type Ignored = z.infer<typeof ignored>

const anyOf = new Intl.ListFormat('en-GB', { type: 'disjunction' })
export const scope = z
  .enum(LOGOUT_SCOPES, `must be ${anyOf.format(LOGOUT_SCOPES)}`)
  .describe(SCOPES_EXPLAINED)

const fields = z
  .looseObject({
    /** A form may send the same scope twice. */
    scope: z.preprocess(singleValue, scope).default('local'),
    callbackUrl: z.unknown().optional().meta({
      type: 'string',
      description: 'where to go next; ignored unless it is a URL of an allowed origin',
    }),
  })
  .check(({ value, issues }) => {
    const misspelt = Object.entries(value).find((field) => !KNOWN.has(field[0]) && mayBeScope(field))
    if (!misspelt) return
    const [name, input] = misspelt
    issues.push({ code: 'custom', message: 'unknown field; did you mean "scope"?', path: [name], input })
  })

/** Without a body, the logout ends this session only. */
export const logoutRequest = z
  .preprocess((body) => body ?? {}, fields)
  .transform(({ scope, callbackUrl, ...unknown }) => {
    const ignored: Ignored[] = Object.keys(unknown)
      .slice(0, IGNORED_LIMITS.fields)
      .map((name) => ({ field: name.slice(0, IGNORED_LIMITS.characters), reason: 'unknown field' }))
    const error = callbackUrlError(callbackUrl)
    if (error) ignored.unshift({ field: 'callbackUrl', reason: error })
    return { scope, callbackUrl: error ? undefined : (callbackUrl as string | undefined), ignored }
  })

/** @throws Problem `invalid_request` when the query has a scope that the body does not have; the query is never read. */
export function refuseScopeInQuery({ query }: Pick<FastifyRequest, 'query'>, asked: string): void {
  const { scope } = query as { scope?: unknown }
  if (scope !== undefined && scope !== asked)
    throw new Problem('invalid_request', 'scope: must be in the body, not in the query', { field: 'scope' })
}

/** Whether the request may have a body that is not empty. */
export function mayHaveBody({ headers }: Pick<FastifyRequest, 'headers'>): boolean {
  return headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0
}

function singleValue(given: unknown): unknown {
  return Array.isArray(given) && new Set(given).size === 1 ? given[0] : given
}

/**
 * Whether a field may contain a scope: `{scop: 'global'}`, `{options: {scope: 'global'}}`, `{global: true}`. A value that
 * is nested too deeply to serialise (about 5,000 levels) counts as one.
 */
function mayBeScope(field: [name: string, given: unknown]): boolean {
  try {
    return LARGER_SCOPE.test(JSON.stringify(field))
  } catch {
    return true
  }
}

function callbackUrlError(callbackUrl: unknown): string | undefined {
  if (callbackUrl === undefined) return undefined
  if (typeof callbackUrl !== 'string') return 'must be a single string'
  return callbackUrl.length > LONGEST_URL ? `is longer than ${LONGEST_URL} characters` : undefined
}
