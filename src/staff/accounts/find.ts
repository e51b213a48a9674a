/**
 * What a text may stand for: users by any part of name or email address, a session or an operation by id, an address. Users may come
 * from a replica. To act on one, ask `named`: users choose names and addresses themselves.
 */
import { eq } from 'drizzle-orm'
import type { Executor } from '../../database/database.ts'
import type { Reads } from '../../database/reads.ts'
import { isRange } from '../../lib/address-blocks.ts'
import { uuid } from '../../lib/schemas.ts'
import { findOperation } from '../../operations/record.ts'
import type { Operation } from '../../operations/schema.ts'
import { sessionColumns } from '../../sessions/queries.ts'
import { type Session, session } from '../../sessions/schema.ts'
import { isValid } from '../../sessions/validity.ts'
import { type FoundUser, findsParts, findUsers, LEAST_PART } from './queries.ts'

/** Users that a search returns at most. */
export const MAX_FOUND = 50

export interface FoundUsers {
  users: FoundUser[]
  /**
   * Whether any part of names and addresses was looked for. `short`: not of a text below three characters. `unavailable`: the
   * database has no index for it. Then only beginnings were.
   */
  parts: 'searched' | 'short' | 'unavailable'
}

export interface Found extends FoundUsers {
  /** The active session with this id. */
  session: Session | null
  operation: Operation | null
  /** The text, where it is an address or a range: sessions may come from there. */
  address: string | null
}

export function createFind(reads: Pick<Reads, 'run'>) {
  async function users(db: Executor, text: string): Promise<FoundUsers> {
    const parts = text.length < LEAST_PART ? 'short' : (await findsParts(db)) ? 'searched' : 'unavailable'
    return { users: await findUsers(db, text, MAX_FOUND, parts === 'searched'), parts }
  }

  return {
    /** Users whose id begins with the text, or whose name or email address has it in any part, in any case. */
    find: (text: string): Promise<FoundUsers> => reads.run((db) => users(db, text)),

    /** The same, and whatever else has this id or address. */
    findAny: (text: string): Promise<Found> =>
      reads.run(async (db) => {
        const id = uuid().safeParse(text)
        return {
          ...(await users(db, text)),
          session: id.success ? await findActive(db, id.data) : null,
          operation: id.success ? await findOperation(db, id.data) : null,
          address: isRange(text) && !text.includes('%') ? text : null,
        }
      }),
  }
}

async function findActive(db: Executor, id: string): Promise<Session | null> {
  const [found] = await db
    .select({ session: sessionColumns, isValid })
    .from(session)
    .where(eq(session.id, id))
  return found?.isValid ? found.session : null
}
