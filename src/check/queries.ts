/**
 * The queries of `/check`: which of these tokens are valid, and whose are they? One statement takes many tokens and answers by
 * position. Rows are arrays: row objects, matched by token, cost half the throughput.
 */

import type { Database } from '../database/database.ts'
import { endOf, lastSeenInterval } from '../sessions/validity.ts'

/** A valid session. Instants are in seconds since 1970, with fractions. */
interface Found {
  userId: string
  sessionId: string
  createdAt: number
  /** When it ends if it is not used again. */
  expiresAt: number
  /** Seconds since the sign-in, by the clock of the database. */
  age: number
}

export interface Checked extends Found {
  /** Whether an activity update is due. */
  stale: boolean
  /** Whether an update is due for a check that is no activity. */
  unseen: boolean
}

/** What the cache needs besides. In seconds from the moment of the read. */
export interface Read extends Found {
  /** Until the session ends by idle timeout or maximum age. */
  lifeSeconds: number
  /** Until the next activity update is due. */
  touchSeconds: number
  /** Until the next update is due for checks that are no activity. */
  passiveTouchSeconds: number
  /** Between two updates. */
  touchInterval: number
}

const INTERVAL = lastSeenInterval('p.idle_timeout_seconds')

/** When the session `s` ends under the policy `p`. */
const END = endOf('s', {
  idleTimeout: 'p.idle_timeout_seconds',
  maxAge: 'p.max_age_seconds',
  epoch: 'p.epoch',
})

const seconds = (interval: string) => `extract(epoch from ${interval})::float8`

const CHECK_TOKENS = {
  name: 'check-tokens',
  text: 'select * from global_logout.check_tokens($1)',
  pooledText: 'select * from global_logout.check_tokens_pooled($1)',
}

/** Only under a lease, so never through a pooler. */
const READ_TOKENS = {
  name: 'read-tokens',
  text: `select requested.position::int, s."userId", s.id, ${seconds('s."createdAt"')},
    ${seconds(END)}, ${seconds('statement_timestamp() - s."createdAt"')}, ${seconds(`${END} - statement_timestamp()`)},
    ${seconds(`s."lastSeenAt" + ${INTERVAL} - statement_timestamp()`)},
    ${seconds(`greatest(s."lastSeenAt", s."passiveAt") + ${INTERVAL} - statement_timestamp()`)},
    ${seconds(INTERVAL)}
  from global_logout.session_policy p, pg_catalog.unnest($1::text[]) with ordinality as requested (token, position)
  join global_logout.session s on s."sessionToken" = requested.token
  where statement_timestamp() < ${END}`,
}

/** Looks up hashed tokens. @returns null for a token that is not valid. */
export async function checkTokens(query: Database['query'], hashes: string[]): Promise<(Checked | null)[]> {
  const answers: (Checked | null)[] = new Array(hashes.length).fill(null)
  const rows = await query<[...FoundColumns, stale: boolean, unseen: boolean]>({
    ...CHECK_TOKENS,
    values: [hashes],
  })
  for (const [position, userId, sessionId, createdAt, expiresAt, age, stale, unseen] of rows)
    answers[position - 1] = { userId, sessionId, createdAt, expiresAt, age, stale, unseen }
  return answers
}

type FoundColumns = [
  position: number,
  userId: string,
  sessionId: string,
  createdAt: number,
  expiresAt: number,
  age: number,
]

/** As `checkTokens`, with what the cache needs to answer later checks. */
export async function readTokens(query: Database['query'], hashes: string[]): Promise<(Read | null)[]> {
  const answers: (Read | null)[] = new Array(hashes.length).fill(null)
  const rows = await query<[...FoundColumns, life: number, touch: number, passive: number, interval: number]>(
    {
      ...READ_TOKENS,
      values: [hashes],
    },
  )
  for (const [position, userId, sessionId, createdAt, expiresAt, age, life, touch, passive, interval] of rows)
    answers[position - 1] = {
      userId,
      sessionId,
      createdAt,
      expiresAt,
      age,
      lifeSeconds: life,
      touchSeconds: touch,
      passiveTouchSeconds: passive,
      touchInterval: interval,
    }
  return answers
}
