/**
 * Everything in a database outside our schema, one line for each fact: the rows of the system catalogs, the settings of the
 * database, each row of each table with its place and the transactions that wrote or locked it, and the state of each sequence.
 * So a change shows that pg_dump would not, such as a lock on a row. Left out is only what vacuum and analyze change by themselves.
 */
import { admin } from './server.ts'

/** Statistics, and catalogs of the whole server that other databases change. */
const LEFT_OUT = ['pg_statistic', 'pg_statistic_ext_data', 'pg_largeobject', 'pg_subscription_rel']
const SHARED = ['pg_shdepend', 'pg_db_role_setting']
const MAINTAINED = ['relpages', 'reltuples', 'relallvisible', 'relallfrozen', 'relfrozenxid', 'relminmxid']

/** Objects in our schema, and what belongs to its tables. Not what merely depends on them: a trigger elsewhere would show. */
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

/** The columns that say to which object a row of a catalog belongs. */
const OWNERS = ['oid', 'attrelid', 'indexrelid', 'objid', 'objoid', 'seqrelid', 'stxrelid', 'inhrelid']

export async function outside(url: string, schemas = ['global_logout']): Promise<string[]> {
  return admin(url, async (client) => {
    const lines: string[] = []
    const rows = async (sql: string) =>
      (await client.query<{ line: string }>(sql)).rows.map(({ line }) => line)
    await client.query('begin isolation level repeatable read, read only')
    const catalogs = await rows(
      `select relname as line from pg_class where relnamespace = 'pg_catalog'::regnamespace and relkind = 'r'
         and relname <> all ('{${LEFT_OUT}}') and (not relisshared or relname = any ('{${SHARED}}')) order by 1`,
    )
    for (const catalog of catalogs) {
      const belongs = OWNERS.map(
        (column) =>
          `coalesce((to_jsonb(c) ->> '${column}')::oid, 0) in (select oid from ours where oid <> 0)`,
      )
      // Of this database; oid 0 is a setting of a role in all databases.
      const here = catalog === 'pg_shdepend' ? 'dbid' : catalog === 'pg_db_role_setting' ? 'setdatabase' : ''
      const database =
        here && `and ${here} = (select oid from pg_database where datname = current_database())`
      const found = await rows(
        `with ours as (${OURS(schemas.join())}) select (to_jsonb(c) - '{${MAINTAINED}}'::text[])::text as line
         from pg_catalog.${catalog} c where not (${belongs.join(' or ')}) ${database} order by 1`,
      )
      lines.push(...found.map((line) => `${catalog} ${line}`))
    }
    const tables = await rows(
      `select relkind::text || format('%I.%I', nspname, relname) as line from pg_class c join pg_namespace n on n.oid = relnamespace
       where relkind in ('r', 'm', 'S') and nspname <> all ('{${[...SYSTEM, ...schemas]}}') order by 1`,
    )
    for (const table of tables) {
      const [kind, name] = [table[0], table.slice(1)]
      const place = kind === 'S' ? '' : `c.ctid::text || ' ' || c.xmin || ' ' || c.xmax || ' ' ||`
      const found = await rows(`select ${place} to_jsonb(c)::text as line from ${name} c order by 1`)
      lines.push(...found.map((line) => `${name} ${line}`))
    }
    await client.query('commit')
    return lines
  })
}

/** What a later call of `outside` shows that an earlier did not, and the other way round. */
export function changes(before: string[], after: string[]): string[] {
  const [was, is] = [new Set(before), new Set(after)]
  return [
    ...before.filter((line) => !is.has(line)).map((line) => `- ${line}`),
    ...after.filter((line) => !was.has(line)).map((line) => `+ ${line}`),
  ]
}
