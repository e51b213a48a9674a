/**
 * Everything in a database outside our schema, one line for each fact: the rows of the system catalogs, the
 * settings of the database, each row of each table with its place and the transactions that wrote or locked
 * it, and the state of each sequence. It shows changes that pg_dump does not, such as a lock on a row. Only
 * the effects of vacuum and analyze are left out.
 */
import { admin } from './server.ts'

/** Statistics, and catalogs of the whole server that other databases change. */
const LEFT_OUT = ['pg_statistic', 'pg_statistic_ext_data', 'pg_largeobject', 'pg_subscription_rel']
const SHARED = ['pg_shdepend', 'pg_db_role_setting']
const MAINTAINED = ['relpages', 'reltuples', 'relallvisible', 'relallfrozen', 'relfrozenxid', 'relminmxid']

/**
 * Objects in our schema, and parts of its tables. Not objects that merely depend on them: a trigger elsewhere
 * would show.
 */
const OURS = (schemas: string) => `
  with space as (select oid from pg_namespace where nspname = any ('{${schemas}}')),
  tables as (select oid, reltoastrelid from pg_class where relnamespace in (select oid from space)),
  classes as (
    select oid from tables
    union select reltoastrelid from tables
    union select indexrelid from pg_index where indrelid in (select reltoastrelid from tables)
  )
  select oid from space union select oid from classes
  union select oid from pg_type where typnamespace in (select oid from space)
  union select oid from pg_proc where pronamespace in (select oid from space)
  union select oid from pg_constraint where connamespace in (select oid from space)
  union select oid from pg_trigger where tgrelid in (select oid from classes)
  union select oid from pg_attrdef where adrelid in (select oid from classes)`

const SYSTEM = ['pg_catalog', 'pg_toast', 'information_schema']

/**
 * The first id of objects that initdb has not created. Of PostgreSQL's own thousands of rows, only a hash is
 * kept.
 */
const FIRST_MADE = 16_384

/** The columns that name the object to which a row of a catalog belongs. */
const OWNERS = ['oid', 'attrelid', 'indexrelid', 'objid', 'objoid', 'seqrelid', 'stxrelid', 'inhrelid']

export async function outside(url: string, schemas = ['global_logout']): Promise<string[]> {
  return admin(url, async (client) => {
    const lines: string[] = []
    const rows = async (sql: string) =>
      (await client.query<{ line: string }>(sql)).rows.map(({ line }) => line)
    await client.query('begin isolation level repeatable read, read only')
    const { rows: catalogs } = await client.query<{ name: string; owners: string[] }>(
      `select relname::text as name, array(select attname::text from pg_attribute where attrelid = c.oid and attname = any ('{${OWNERS}}')) as owners
       from pg_class c where relnamespace = 'pg_catalog'::regnamespace and relkind = 'r'
         and relname <> all ('{${LEFT_OUT}}') and (not relisshared or relname = any ('{${SHARED}}')) order by 1`,
    )
    for (const { name, owners } of catalogs) {
      const here = name === 'pg_shdepend' ? 'dbid' : name === 'pg_db_role_setting' ? 'setdatabase' : ''
      const from = `pg_catalog.${name} c where ${here ? `${here} = (select oid from pg_database where datname = current_database())` : 'true'}`
      const made = `greatest(0::oid, ${owners.join(', ') || '0::oid'}) >= ${FIRST_MADE}`
      const fact = `to_jsonb(c) - '{${MAINTAINED}}'::text[]`
      const found = await rows(
        `select (${fact})::text as line from ${from} and ${made} and not array[${owners}]::oid[] && array(${OURS(schemas.join())})
         union all select sum(hashtextextended((${name === 'pg_class' ? fact : 'c'})::text, 0))::text from ${from} and not ${made} order by 1`,
      )
      lines.push(...found.map((line) => `${name} ${line}`))
    }
    const tables = await rows(
      `select relkind::text || format('%I.%I', nspname, relname) as line from pg_class c join pg_namespace n on n.oid = relnamespace
       where relkind in ('r', 'm', 'S') and nspname <> all ('{${[...SYSTEM, ...schemas]}}') order by 1`,
    )
    for (const table of tables) {
      const [kind, name] = [table[0], table.slice(1)]
      const line =
        kind === 'S'
          ? "last_value || ' ' || is_called"
          : "c.ctid::text || ' ' || c.xmin || ' ' || c.xmax || ' ' || to_jsonb(c)::text"
      const found = await rows(`select ${line} as line from ${name} c order by 1`)
      lines.push(...found.map((line) => `${name} ${line}`))
    }
    await client.query('commit')
    return lines
  })
}

/** The differences between two results of `outside`, in both directions. */
export function changes(before: string[], after: string[]): string[] {
  const [was, is] = [new Set(before), new Set(after)]
  return [
    ...before.filter((line) => !is.has(line)).map((line) => `- ${line}`),
    ...after.filter((line) => !was.has(line)).map((line) => `+ ${line}`),
  ]
}
