/**
 * Erases a user: when it resolves, all sessions have ended as with every logout, and nothing here names the user but a lock in force.
 * The audit log still verifies (`erase_user()` in migrations/0006_personal_data.sql).
 */
import { sql } from 'drizzle-orm'
import type { Database } from '../../database/database.ts'
import { withoutDeadline } from '../../database/database.ts'
import { fetchRows } from '../../database/rows.ts'
import { Problem } from '../../errors.ts'
import type { AfterCommit } from '../../leases/after-commit.ts'
import { sleep } from '../../lib/sleep.ts'
import type { Act } from '../../operations/acknowledged.ts'
import { type Actor, operationRow } from '../../operations/record.ts'
import type { Accounts } from '../accounts/accounts.ts'
import { findUser } from '../accounts/queries.ts'

/** Readers of the feed look twice a second: they hear of the ended sessions while the record still names the user. */
const TELL_MS = 1_000
/** For the erasure, in milliseconds: 100,000 entries take some ten seconds. */
const ERASE_MS = 120_000

/** What was erased. */
export interface Erased {
  /** Null where all was erased before. */
  operationId: string | null
  /** Sessions that ended. */
  ended: number
  /** Entries of the audit log. */
  entries: number
  /** Ended sessions, and reused tokens: they stay under a pseudonym, without address and program. */
  revocations: number
  replays: number
  /** Incidents that named the user. */
  incidents: number
  /** Whether a lock is in force: it stays, with the id, until it ends or staff lift it. */
  lockKept: boolean
}

interface Outcome {
  xid: string
  outcome: 'done' | 'staff' | 'repeated' | 'not_found'
  operationId: string | null
  ids: string[]
  erased: Omit<Erased, 'operationId' | 'ended'>
}

const NOTHING = { operationId: null, entries: 0, revocations: 0, replays: 0, incidents: 0, lockKept: false }

export type EraseUser = ReturnType<typeof createEraseUser>

export function createEraseUser(
  { run, transaction }: Pick<Database, 'run' | 'transaction'>,
  { revoke }: Pick<Accounts, 'revoke'>,
  afterCommit: AfterCommit,
  tellMs = TELL_MS,
) {
  /** Ends the sessions under the user's id: pages, services and instances know no other. */
  async function endSessions(userId: string, reason: string, by: Actor): Promise<number> {
    const { revokedCount } = await revoke(userId, { reason }, by).catch((error) => {
      // The record may name a user who is gone.
      if (error instanceof Problem && error.code === 'user_not_found') return { revokedCount: 0 }
      throw error
    })
    if (revokedCount > 0) await sleep(tellMs)
    return revokedCount
  }

  /** @throws Problem `user_not_found`, `user_is_staff`, `invalid_request` where the reason names the user. */
  return (userId: string, reason: string, by: Actor): Promise<Erased> =>
    withoutDeadline(async () => {
      const user = await run((db) => findUser(db, userId))
      if (user?.role) throw isStaff()
      const names = [userId, user?.email, user?.name].filter((name) => name !== null && name !== undefined)
      if (names.some((name) => mentions(reason, name)))
        throw new Problem(
          'invalid_request',
          'The reason stays: it must not name the user. Give a number of a ticket.',
          {
            field: 'reason',
          },
        )
      const ended = await endSessions(userId, reason, by)
      const what = { ...by, kind: 'user.erase', reason } as const
      const done = await transaction(async (tx) => {
        await tx.extend(ERASE_MS)
        const [row] = await fetchRows<Outcome>(
          tx,
          sql`select xid, outcome, operation_id as "operationId", ids, erased
            from global_logout.erase_user(${userId}::text, ${JSON.stringify(operationRow(what))}::jsonb)`,
        )
        if (!row) throw new Error('erase_user returned no row')
        return row
      })
      if (done.outcome === 'staff') throw isStaff()
      if (done.outcome === 'not_found')
        throw new Problem('user_not_found', 'Nothing here names a user with this id.')
      if (done.outcome === 'repeated' || done.operationId === null) return { ...NOTHING, ended }
      const act: Act = { id: done.operationId, what, sessionIds: done.ids }
      await afterCommit(done.xid, done.operationId, [act])
      return { ...done.erased, operationId: done.operationId, ended: ended + done.ids.length }
    })
}

/** Whether a text holds a name of three characters or more as a word of its own. */
export function mentions(text: string, name: string): boolean {
  const [all, part] = [text.toLowerCase(), name.trim().toLowerCase()]
  if (part.length < 3) return false
  for (let at = all.indexOf(part); at >= 0; at = all.indexOf(part, at + 1)) {
    const around = [all.slice(0, at).at(-1), all.slice(at + part.length).at(0)]
    if (!around.some((char) => char !== undefined && /[\p{L}\p{N}]/u.test(char))) return true
  }
  return false
}

function isStaff(): Problem {
  return new Problem(
    'user_is_staff',
    'What staff did stays in the audit log. Take the role away first: "global-logout user role USER none".',
  )
}
