/**
 * Links the application's own table of users: triggers on it keep names and emails of the mirror in step, and end the sessions of
 * users who are deleted there. The only act of global-logout that adds anything to a table of the application, and only by consent.
 * The triggers call a function in our schema, so `drop schema global_logout cascade` removes them, too.
 */
import { type SQL, sql } from 'drizzle-orm'
import { UsageError } from '../cli/common.ts'
import type { Executor } from '../database/database.ts'
import { fetchRows } from '../database/rows.ts'
import {
  type ApplicationTable,
  type Column,
  findColumn,
  findTable,
  ID_TYPES,
  TEXT_TYPES,
} from './application-tables.ts'

export interface LinkOptions {
  table: string
  id: string
  email?: string
  name?: string
}

/** A table that can be linked, and its columns by what they are. */
export interface Linkable {
  table: ApplicationTable
  columns: { id: Column; email?: Column; name?: Column }
}

/** The link that is in place. `table` is null once that table was dropped. */
export interface Link {
  table: string | null
  linkedAt: Date
  triggers: string[]
}

/** @throws UsageError naming the option that is wrong. */
export async function findLinkable(
  db: Executor,
  { table: given, id, email, name }: LinkOptions,
): Promise<Linkable> {
  const table = await findTable(db, 'table', given)
  const idColumn = findColumn(table, 'id', id, ID_TYPES)
  if (!idColumn.unique || !idColumn.notNull)
    throw new UsageError(
      `--id: "${id}" of ${table.quoted} is not unique, or may be null: it cannot tell users apart.`,
    )
  return {
    table,
    columns: {
      id: idColumn,
      ...(email !== undefined && { email: findColumn(table, 'email', email, TEXT_TYPES) }),
      ...(name !== undefined && { name: findColumn(table, 'name', name, TEXT_TYPES) }),
    },
  }
}

/**
 * The statements that link a table, to read and to run. Each is one of SQL, without a semicolon.
 * @param prefix of the triggers: two services may follow one table.
 */
export function linkStatements({ table: { quoted }, columns }: Linkable, prefix: string): string[] {
  const named = Object.entries(columns)
  const listed = named.map(([, column]) => column.quoted)
  // As text: citext takes two spellings for one, if the search path at that moment has its operators.
  const changed = listed.map((column) => `old.${column}::text is distinct from new.${column}::text`)
  const call = 'execute function global_logout.follow_users'
  const what = named.map(([role]) => `'${role}'`).join(', ')
  return [
    `insert into global_logout.user_link (linked) values ('${quoted.replaceAll("'", "''")}'::pg_catalog.regclass)`,
    `create trigger ${prefix}_user_changed after update of ${listed.join(', ')} on ${quoted}
  for each row when (${changed.join(' or ')})
  ${call}(${what})`,
    `create trigger ${prefix}_user_deleted after delete on ${quoted}
  for each row ${call}()`,
    `create trigger ${prefix}_users_truncated before truncate on ${quoted}
  for each statement ${call}()`,
  ]
}

/** Reads no row, and fails where a right or row level security will not let the statements below read the table. */
export function probeStatement({ table: { quoted }, columns }: Linkable): string {
  const listed = Object.values(columns).map((column: Column) => column.quoted)
  return `select ${listed.join(', ')} from ${quoted} limit 0`
}

/** The statement that gives the mirror the names and emails of today; null where neither is linked. */
export function mirrorStatement({ table: { quoted }, columns: { id, ...others } }: Linkable): string | null {
  const pairs = Object.entries(others)
  if (pairs.length === 0) return null
  const set = pairs.map(([role, { quoted }]) => `${role} = own.${quoted}::text`)
  const differs = pairs.map(([role, { quoted }]) => `mirror.${role} is distinct from own.${quoted}::text`)
  return `update global_logout."user" as mirror set ${set.join(', ')} from ${quoted} as own
  where mirror.id = own.${id.quoted}::text and (${differs.join(' or ')})`
}

/** How many users have sessions here and no row in the table: they were deleted before it was linked, or it is another table. */
export async function unknownUsers(
  db: Executor,
  { table: { quoted }, columns: { id } }: Linkable,
): Promise<number> {
  const [row] = await fetchRows<{ count: string }>(
    db,
    sql`select pg_catalog.count(*) as count from global_logout."user" mirror
      where exists (select from global_logout.session s where s."userId" = mirror.id)
        and not exists (select from ${sql.raw(quoted)} own where own.${sql.raw(id.quoted)}::text = mirror.id)`,
  )
  return Number(row?.count)
}

const LINK: SQL = sql`
  select l.linked::oid::int8 as id, l.linked_at as "linkedAt",
    (select pg_catalog.format('%I.%I', n.nspname, c.relname) from pg_class c join pg_namespace n on n.oid = c.relnamespace
      where c.oid = l.linked::oid) as "table",
    array(select t.tgname::text from pg_trigger t
      where t.tgrelid = l.linked::oid and t.tgfoid = 'global_logout.follow_users()'::regprocedure::oid order by 1) as triggers
  from global_logout.user_link l`

export async function findLink(db: Executor): Promise<Link | null> {
  const [link] = await fetchRows<Link>(db, LINK)
  return link ?? null
}

/** The statements that undo `linkStatements`. */
export function unlinkStatements({ table, triggers }: Link): string[] {
  return [
    ...triggers.map((name) => `drop trigger "${name.replaceAll('"', '""')}" on ${table}`),
    'delete from global_logout.user_link',
  ]
}
