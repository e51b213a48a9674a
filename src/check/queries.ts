/**
 * The queries of `/check`: which of these tokens are valid, and whose are they? One statement takes many tokens and answers by
 * position. Rows are arrays: row objects, matched by token, cost half the throughput. `@global-logout/postgres` bundles this module.
 */
import type { Database } from '../database/database.ts'

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

const CHECK_TOKENS = {
  name: 'check-tokens',
  text: 'select * from global_logout.check_tokens($1)',
  pooledText: 'select * from global_logout.check_tokens_pooled($1)',
}

/** Only under a lease, so never through a pooler. */
const READ_TOKENS = { name: 'read-tokens', text: 'select * from global_logout.read_tokens($1)' }

/** The same for a login with the rights of an application. */
export const READ_SESSIONS = { name: 'read-sessions', text: 'select * from global_logout.read_sessions($1)' }

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
export async function readTokens(
  query: Database['query'],
  hashes: string[],
  statement = READ_TOKENS,
): Promise<(Read | null)[]> {
  const answers: (Read | null)[] = new Array(hashes.length).fill(null)
  const rows = await query<[...FoundColumns, life: number, touch: number, passive: number, interval: number]>(
    { ...statement, values: [hashes] },
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
