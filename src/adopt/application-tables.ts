/**
 * Finds tables of the application by the names that a person typed, and says what is wrong with them. Names are taken exactly as
 * given, as drizzle and Prisma write them; quotes are needed only around a dot.
 */
import { sql } from 'drizzle-orm'
import { UsageError } from '../cli/common.ts'
import type { Executor } from '../database/database.ts'
import { fetchRows } from '../database/rows.ts'

export interface Column {
  name: string
  /** With quotes where SQL needs them. */
  quoted: string
  /** `uuid`, `integer`, `timestamp without time zone`, …: as PostgreSQL names the type below a domain, without its size. */
  type: string
  notNull: boolean
  /** Whether a unique index has this column alone. */
  unique: boolean
}

export interface ApplicationTable {
  id: number
  /** The name with its schema, quoted where needed. */
  quoted: string
  columns: Column[]
}

/** `public.users`, `auth."my.users"`, `users`: schema and name. @throws UsageError */
function parseTableName(option: string, text: string): { schema: string; name: string } {
  const part = '"(?:[^"]|"")+"|[^".]+'
  const [whole, first = '', second] = new RegExp(`^(${part})(?:\\.(${part}))?$`, 's').exec(text) ?? []
  if (whole === undefined)
    throw new UsageError(`--${option}: write the table as schema.table, such as public.users.`)
  const plain = (name: string) => (name.startsWith('"') ? name.slice(1, -1).replaceAll('""', '"') : name)
  return second === undefined
    ? { schema: 'public', name: plain(first) }
    : { schema: plain(first), name: plain(second) }
}

const TABLE = (schema: string, name: string) => sql`
  select c.oid::int8 as id, pg_catalog.format('%I.%I', n.nspname, c.relname) as quoted, n.oid = 'global_logout'::regnamespace::oid as own,
    c.relkind::text as kind, c.relpersistence::text as persistence, c.relhassubclass as parent
  from pg_class c join pg_namespace n on n.oid = c.relnamespace
  where n.nspname = ${schema}::name and c.relname = ${name}::name`

/**
 * `citext` is the type of the extension. Our triggers read it as text, where the cast of another type of that name would run as our
 * owner. The extension's cast runs no code, and a superuser owns its type, so that no other role can replace the cast. Membership in
 * the extension would prove less: its owner can add types.
 */
const COLUMNS = (id: number) => sql`
  select a.attname::text as name, pg_catalog.quote_ident(a.attname::text) as quoted, a.attnotnull as "notNull",
    case when t.typname = 'citext' and owner.rolsuper and exists (select from pg_cast
        where castsource = t.oid and casttarget = 'text'::regtype::oid and castmethod = 'b')
      then 'citext' else pg_catalog.format_type(t.oid, null) end as type,
    exists (select from pg_index i where i.indrelid = a.attrelid and i.indisunique and i.indisvalid and i.indpred is null
      and i.indnkeyatts = 1 and i.indkey[0] = a.attnum) as "unique"
  from pg_attribute a join pg_type given on given.oid = a.atttypid
    join pg_type t on t.oid = case given.typtype when 'd' then given.typbasetype else given.oid end
    join pg_roles owner on owner.oid = t.typowner
  where a.attrelid = ${id}::oid and a.attnum > 0 and not a.attisdropped order by a.attnum`

const NEAR = (schema: string, name: string) => sql`
  select pg_catalog.format('%I.%I', n.nspname, c.relname) as quoted from pg_class c join pg_namespace n on n.oid = c.relnamespace
  where pg_catalog.lower(c.relname::text) in (pg_catalog.lower(${name}), pg_catalog.lower(${name}) || 's')
    and c.relkind in ('r', 'p', 'v') and n.nspname not in ('information_schema', 'pg_catalog') and n.oid <> 'global_logout'::regnamespace::oid
  order by n.nspname <> ${schema}::name, 1 limit 3`

/** The table of an option such as `--table public.users`. @throws UsageError unless it is an ordinary table of the application. */
export async function findTable(db: Executor, option: string, text: string): Promise<ApplicationTable> {
  const { schema, name } = parseTableName(option, text)
  const [found] = await fetchRows<{
    id: string
    quoted: string
    own: boolean
    kind: string
    persistence: string
    parent: boolean
  }>(db, TABLE(schema, name))
  if (!found) {
    const near = await fetchRows<{ quoted: string }>(db, NEAR(schema, name))
    const meant = near.map(({ quoted }) => quoted).join(', ')
    throw new UsageError(`--${option}: there is no table ${schema}.${name}.${meant && ` Is it ${meant}?`}`)
  }
  const { quoted } = found
  if (found.own) throw new UsageError(`--${option}: ${quoted} is a table of global-logout itself.`)
  if (found.kind !== 'r' || found.parent || found.persistence === 't')
    throw new UsageError(
      `--${option}: ${quoted} is a view, a partitioned, foreign or temporary table, or has child tables. An ordinary table is needed.`,
    )
  const id = Number(found.id)
  return { id, quoted, columns: await fetchRows<Column>(db, COLUMNS(id)) }
}

/** The column of an option. @throws UsageError when there is none, or its type is not one of `types`. */
export function findColumn(
  table: ApplicationTable,
  option: string,
  name: string,
  types: readonly string[],
): Column {
  const column = table.columns.find((each) => each.name === name)
  if (!column) {
    const names = table.columns.map((each) => each.name).join(', ')
    throw new UsageError(`--${option}: ${table.quoted} has no column "${name}"; it has ${names}.`)
  }
  if (!types.includes(column.type)) {
    const hint = /\.citext$/.test(column.type)
      ? " This citext is not the extension's, which a superuser owns."
      : ''
    throw new UsageError(
      `--${option}: "${name}" of ${table.quoted} is of type ${column.type}; it must be ${types.join(', ')}.${hint}`,
    )
  }
  return column
}

/** Types whose text is what an application writes for the value. */
export const TEXT_TYPES = ['text', 'character varying', 'citext'] as const
/** Without citext: it takes two spellings for one user, and our ids are exact. */
export const ID_TYPES = ['text', 'character varying', 'uuid', 'integer', 'bigint', 'smallint'] as const
export const TIME_TYPES = ['timestamp without time zone', 'timestamp with time zone'] as const
