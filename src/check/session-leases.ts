/**
 * The header `x-session-lease` of a valid check: what a caller with a lease needs to answer the next checks of the session in its own
 * process. Only a check with the header `x-lease: 1` gets it, and none with a maximum age of the sign-in: its answer ends before the
 * session does.
 */
import type { IncomingHttpHeaders } from 'node:http'
import { hashToken } from '../database/token-hash.ts'
import type { Cursor } from '../leases/messages.ts'
import { CachedSession } from './cache.ts'
import type { Verdict } from './checker.ts'
import { MAX_AUTH_AGE } from './use.ts'

const ASKED = 'x-lease'
/** Longest snapshot, in characters: some 150 transactions in progress. Gateways limit headers, and an answer without it is asked again. */
const LONGEST_SNAPSHOT = 2_000

/**
 * Called before the check is decided.
 * @returns null when the check does not ask, else a function that makes the header's value for the verdict; undefined where there is none.
 */
export type SessionLeases = (
  headers: IncomingHttpHeaders,
  token: string,
) => ((verdict: Verdict) => string | undefined) | null

/** @param cursor what this process has applied. @param clock that of the cached sessions, in milliseconds. */
export function createSessionLeases(cursor: () => Cursor | null, clock: () => number): SessionLeases {
  return (headers, token) => {
    if (headers[ASKED] !== '1' || headers[MAX_AUTH_AGE] !== undefined) return null
    const before = cursor()
    return (verdict) => {
      if (!before || before.snapshot.length > LONGEST_SNAPSHOT) return undefined
      // The answer may be that of another server, which has granted the lease since.
      if (!(verdict instanceof CachedSession) || cursor()?.server !== before.server) return undefined
      const now = clock()
      return JSON.stringify({
        token: hashToken(token),
        ...before,
        ...verdict.remainingAt(now),
      })
    }
  }
}
