/**
 * The hot queries: are these tokens valid, and whose are they? One prepared statement for many tokens, answered by
 * position; rows as arrays, because row objects matched by token cost half the throughput.
 */

import type { Database } from '../database/database.ts'
import { endOf, lastSeenInterval } from '../sessions/validity.ts'

export interface Checked {
  userId: string
  sessionId: string
  /** Whether the last recorded use is old enough to be touched. */
  stale: boolean
}

/** What an answer from memory needs to know besides. All in seconds from the moment of the read. */
export interface Lifetimes {
  /** Until it is over by idle timeout or age. */
  lifeSeconds: number
  /** Until a use is to be recorded again. */
  touchSeconds: number
  /** Between two records of use. */
  touchInterval: number
}

const INTERVAL = lastSeenInterval('p.idle_timeout_seconds')

/** The end of a session, by the row `p` of the policy. */
const END = endOf('s', { idleTimeout: 'p.idle_timeout_seconds', maxAge: 'p.max_age_seconds' })

/** A query for the living sessions among the hashed tokens in `$1`. */
const livingAmong = (columns: string) => `select asked.position::int, s."userId", s.id, ${columns}
  from session_policy p, pg_catalog.unnest($1::text[]) with ordinality as asked (token, position)
  join session s on s."sessionToken" = asked.token
  where statement_timestamp() < ${END}`

const CHECK_TOKENS = {
  name: 'check-tokens',
  text: livingAmong(`s."lastSeenAt" < statement_timestamp() - ${INTERVAL}`),
}

const seconds = (interval: string) => `extract(epoch from ${interval})::float8`

const READ_TOKENS = {
  name: 'read-tokens',
  text: livingAmong(
    `${seconds(`${END} - statement_timestamp()`)},
    ${seconds(`s."lastSeenAt" + ${INTERVAL} - statement_timestamp()`)},
    ${seconds(INTERVAL)}`,
  ),
}

/** Looks hashed tokens up. @returns null for a token that is not valid. */
export async function checkTokens(query: Database['query'], hashes: string[]): Promise<(Checked | null)[]> {
  const answers: (Checked | null)[] = new Array(hashes.length).fill(null)
  const rows = await query<[position: number, userId: string, sessionId: string, stale: boolean]>({
    ...CHECK_TOKENS,
    values: [hashes],
  })
  for (const [position, userId, sessionId, stale] of rows)
    answers[position - 1] = { userId, sessionId, stale }
  return answers
}

export type Read = Omit<Checked, 'stale'> & Lifetimes

/** As `checkTokens`, with what is needed to answer later checks from memory. */
export async function readTokens(query: Database['query'], hashes: string[]): Promise<(Read | null)[]> {
  const answers: (Read | null)[] = new Array(hashes.length).fill(null)
  const rows = await query<[number, string, string, number, number, number]>({
    ...READ_TOKENS,
    values: [hashes],
  })
  for (const [position, userId, sessionId, lifeSeconds, touchSeconds, touchInterval] of rows)
    answers[position - 1] = { userId, sessionId, lifeSeconds, touchSeconds, touchInterval }
  return answers
}
