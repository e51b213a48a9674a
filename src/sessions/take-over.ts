/**
 * Takes over a session that another store holds, such as the table of an Auth.js adapter: its token gets a session here. Nothing
 * that ended comes back; `take_over()` in migrations/0003_applications.sql decides that.
 */
import { sql } from 'drizzle-orm'
import type { Database } from '../database/database.ts'
import { fetchRows } from '../database/rows.ts'
import { hashToken } from '../database/token-hash.ts'
import { Problem } from '../errors.ts'
import type { UserProfile } from './queries.ts'
import type { RefuseStaff } from './refuse-staff.ts'

export interface TakeOver {
  userId: string
  profile: UserProfile
  token: string
  /** When it ends in the other store. Here it ends then, or before. */
  expires: Date
  userAgent: string | null
  ipAddress: string | null
  key: { id: string; scopes: readonly string[] }
}

/** A session, and the latest time at which it can end. */
export interface TakenOver {
  id: string
  expires: Date
}

export function createTakeOver({ transaction }: Pick<Database, 'transaction'>, refuseStaff: RefuseStaff) {
  /** @throws Problem `session_over` when there is nothing to take over, `insufficient_scope`. */
  return ({ userId, profile, token, expires, userAgent, ipAddress, key }: TakeOver): Promise<TakenOver> =>
    transaction(async (tx) => {
      const [row] = await fetchRows<{ outcome: string; id: string | null; ends: number }>(
        tx,
        sql`select outcome, session_id as id, extract(epoch from expires_at)::float8 * 1000::float8 as ends
          from global_logout.take_over(${hashToken(token)}::text, ${userId}::text, ${expires.toISOString()}::timestamptz,
            ${JSON.stringify(profile)}::jsonb, ${userAgent}::text, ${ipAddress}::inet, ${key.id}::uuid)`,
      )
      if (!row) throw new Error('take_over returned no row')
      // Under the lock of the user, and undone by the throw.
      await refuseStaff(tx, key, userId, 'take over their sessions')
      if (row.id === null)
        throw new Problem('session_over', `It is not taken over: ${row.outcome}. Its store is to forget it.`)
      return { id: row.id, expires: new Date(row.ends) }
    })
}
