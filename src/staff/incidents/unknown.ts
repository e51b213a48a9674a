/** The entries of an incident's lists that fit nothing here: a mistyped id, a former address, a session that is over. */
import { type SQL, sql } from 'drizzle-orm'
import type { Executor } from '../../database/database.ts'
import { fetchRows } from '../../database/rows.ts'
import { session, user } from '../../sessions/schema.ts'
import { isValid } from '../../sessions/validity.ts'
import { emailKey } from '../id-lists.ts'
import { incident } from './schema.ts'
import type { Selection } from './selector-values.ts'

export interface Unknown {
  count: number
  /** The first few. */
  entries: string[]
}

/** Ids that no user has here, addresses that no user has, ids of no active session. */
export interface UnknownEntries {
  users: Unknown
  emails: Unknown
  sessions: Unknown
}

/** The same in full. */
export interface AllUnknown {
  unknownUsers: string[]
  unknownEmails: string[]
  unknownSessions: string[]
}

/** For each list: its column, and what an entry of it has to fit. */
const LISTS = {
  users: { column: incident.userIds, known: sql`select from ${user} where ${user.id} = asked.entry` },
  emails: {
    column: incident.emails,
    known: sql`select from ${user} where ${emailKey} = pg_catalog.lower(asked.entry)`,
  },
  sessions: {
    column: incident.sessionIds,
    known: sql`select from ${session} where ${session.id} = asked.entry::uuid and ${isValid}`,
  },
}

async function find(db: Executor, of: keyof typeof LISTS, list: SQL, limit: number | null): Promise<Unknown> {
  const rows = await fetchRows<{ entry: string; count: number }>(
    db,
    sql`
    select asked.entry, count(*) over ()::int as count from ${list} with ordinality as asked (entry, position)
    where not exists (${LISTS[of].known}) order by position limit ${limit}`,
  )
  return { count: rows[0]?.count ?? 0, entries: rows.map(({ entry }) => entry) }
}

/** Of a selection, all of them. */
export async function unknownIn(
  db: Executor,
  { userIds = [], emails = [], sessionIds = [] }: Selection,
): Promise<AllUnknown> {
  const all = async (of: keyof typeof LISTS, list: string[]) =>
    list.length === 0
      ? []
      : (await find(db, of, sql`pg_catalog.unnest(${sql.param(list)}::text[])`, null)).entries
  return {
    unknownUsers: await all('users', userIds),
    unknownEmails: await all('emails', emails),
    unknownSessions: await all('sessions', sessionIds),
  }
}

/** Of a plan, as its lists are stored: how many there are now, and the first few. */
export async function unknownOf(db: Executor, planId: string, limit: number): Promise<UnknownEntries> {
  const some = (of: keyof typeof LISTS) =>
    find(
      db,
      of,
      sql`pg_catalog.unnest((select ${LISTS[of].column}::text[] from ${incident} where ${incident.id} = ${planId}))`,
      limit,
    )
  return { users: await some('users'), emails: await some('emails'), sessions: await some('sessions') }
}

/** How many there are in all. */
export const countUnknown = ({ users, emails, sessions }: UnknownEntries): number =>
  users.count + emails.count + sessions.count
