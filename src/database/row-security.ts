/**
 * Whether the service sees every row that it decides by. Its connections have `row_security` off, so that a query which a
 * policy would shorten fails (42501); trigger functions run as the owner of the tables, for whom FORCE does the same.
 */
import { Problem } from '../errors.ts'
import type { Executor } from './database.ts'
import { fetchRows } from './rows.ts'

export interface Hidden {
  table: string
  /** The role from which policies may hide its rows: ours, or the owner, as whom trigger functions run. */
  role: string
  /** Whether `role` owns the table. */
  owns: boolean
}

/** Those of `tables` whose rows policies may hide from us, or from trigger functions; and of the journal of migrations. */
export async function hiddenTables(db: Executor, tables: readonly string[]): Promise<Hidden[]> {
  return fetchRows<Hidden>(
    db,
    `select pg_catalog.quote_ident(c.relname) as table, r.rolname::text as role, r.oid = c.relowner as owns
    from pg_catalog.pg_class c
    join pg_catalog.pg_namespace n on n.oid = c.relnamespace
    join pg_catalog.pg_roles r on (r.rolname = current_user and pg_catalog.row_security_active(c.oid))
      or (r.oid = c.relowner and c.relforcerowsecurity and not r.rolsuper and not r.rolbypassrls)
    where c.relrowsecurity and (n.nspname = 'public' and c.relname in (${tables.map((name) => `'${name}'`).join(', ')})
      or n.nspname = 'drizzle' and c.relname = '__global_logout_migrations')
    order by 1, 2`,
  )
}

/** What is hidden from whom, and what to do: a policy is no cure, because even one that shows all may hide a row tomorrow. */
export function describeHiddenTables(hidden: Hidden[]): string {
  const by = (owns: boolean) => hidden.filter((each) => each.owns === owns)
  const tables = [...new Set(hidden.map(({ table }) => table))].join(', ')
  const roles = [...new Set(hidden.map(({ role }) => role))]
  const cures = [
    ...new Set(by(false).map(({ role }) => `"alter role ${role} bypassrls" as a superuser`)),
    ...by(true).map(({ table }) => `"alter table ${table} no force row level security" as its owner`),
  ]
  return `row level security hides rows of ${tables} from ${roles.join(' and ')}, so no session can be decided or ended: ${cures.join(', ')}.`
}

/** @throws Problem `unavailable` naming the tables. */
export async function requireAllRows(db: Executor, tables: readonly string[]): Promise<void> {
  const hidden = await hiddenTables(db, tables)
  if (hidden.length > 0) throw new Problem('unavailable', describeHiddenTables(hidden))
}
