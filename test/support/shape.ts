/** The objects of a database in a fixed order, to compare two databases. */
import type pg from 'pg'

type Psql = (sql: string) => Promise<pg.QueryResultRow[]>

/** Columns, constraints, indexes, triggers, functions and settings of every table in our schema, by name. */
export async function shapeOf(psql: Psql) {
  const tables = `select oid from pg_class where relnamespace = 'global_logout'::regnamespace and relkind = 'r'`
  return {
    columns: await psql(`select table_name, column_name, data_type, is_nullable, column_default
      from information_schema.columns where table_schema = 'global_logout' order by 1, 2`),
    constraints:
      await psql(`select conrelid::regclass::text, conname, pg_get_constraintdef(oid) from pg_constraint
      where conrelid in (${tables}) and contype <> 'n' order by 1, 2`),
    indexes: await psql(
      `select indexname, indexdef from pg_indexes where schemaname = 'global_logout' order by 1`,
    ),
    triggers: await psql(`select pg_get_triggerdef(oid) from pg_trigger
      where not tgisinternal and tgrelid in (${tables}) order by 1`),
    functions: await psql(`select pg_get_functiondef(oid) from pg_proc
      where pronamespace = 'global_logout'::regnamespace order by 1`),
    settings: await psql(`select relname, reloptions from pg_class where oid in (${tables}) order by 1`),
  }
}
