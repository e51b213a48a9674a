/**
 * The queries of `/check`: which of these tokens are valid, and whose are they? One prepared statement takes many tokens and
 * answers by position. Rows are arrays: row objects, matched by token, cost half the throughput.
 */

import type { Database } from '../database/database.ts'
import { endOf, lastSeenInterval } from '../sessions/validity.ts'

export interface Checked {
  userId: string
  sessionId: string
  /** Whether an activity update is due. */
  stale: boolean
}

/** What the cache needs besides. In seconds from the moment of the read. */
interface Lifetimes {
  /** Until the session ends by idle timeout or maximum age. */
  lifeSeconds: number
  /** Until the next activity update is due. */
  touchSeconds: number
  /** Between two activity updates. */
  touchInterval: number
}

const INTERVAL = lastSeenInterval('p.idle_timeout_seconds')

/** When the session `s` ends under the policy `p`. */
const END = endOf('s', { idleTimeout: 'p.idle_timeout_seconds', maxAge: 'p.max_age_seconds' })

/** Selects the valid sessions among the hashed tokens in `$1`. */
const selectValid = (columns: string) => `select requested.position::int, s."userId", s.id, ${columns}
  from global_logout.session_policy p, pg_catalog.unnest($1::text[]) with ordinality as requested (token, position)
  join global_logout.session s on s."sessionToken" = requested.token
  where statement_timestamp() < ${END}`

const CHECK_TOKENS = {
  name: 'check-tokens',
  text: selectValid(`s."lastSeenAt" < statement_timestamp() - ${INTERVAL}`),
}

const seconds = (interval: string) => `extract(epoch from ${interval})::float8`

const READ_TOKENS = {
  name: 'read-tokens',
  text: selectValid(
    `${seconds(`${END} - statement_timestamp()`)},
    ${seconds(`s."lastSeenAt" + ${INTERVAL} - statement_timestamp()`)},
    ${seconds(INTERVAL)}`,
  ),
}

/** Looks up hashed tokens. @returns null for a token that is not valid. */
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

/** As `checkTokens`, with what the cache needs to answer later checks. */
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
