/**
 * Finds tables whose rows row level security hides from the service. Its connections have `row_security` off, so that a query fails
 * (42501) where a policy would hide rows. Trigger functions run as the owner of the tables, who is subject to policies with FORCE.
 */
import { Problem } from '../errors.ts'
import type { Executor } from './database.ts'
import { fetchRows } from './rows.ts'

export interface HiddenTable {
  table: string
  /** The role from which policies may hide rows: the service's, or the owner's, as whom trigger functions run. */
  role: string
  /** Whether `role` owns the table. */
  owns: boolean
}

/** The tables, of `tables` and the journal of migrations, whose rows policies may hide from the service or from trigger functions. */
export async function hiddenTables(db: Executor, tables: readonly string[]): Promise<HiddenTable[]> {
  return fetchRows<HiddenTable>(
    db,
    `select pg_catalog.quote_ident(c.relname) as table, r.rolname::text as role, r.oid = c.relowner as owns
    from pg_catalog.pg_class c
    join pg_catalog.pg_roles r on (r.rolname = current_user and pg_catalog.row_security_active(c.oid))
      or (r.oid = c.relowner and c.relforcerowsecurity and not r.rolsuper and not r.rolbypassrls)
    where c.relrowsecurity and c.relnamespace = to_regnamespace('global_logout')::oid
      and c.relname in (${[...tables, 'migration'].map((name) => `'${name}'`).join(', ')})
    order by 1, 2`,
  )
}

/** Which tables are hidden from which roles, and the fix. A policy is not a fix: one that shows all rows may hide one tomorrow. */
export function describeHiddenTables(hidden: HiddenTable[]): string {
  const by = (owns: boolean) => hidden.filter((each) => each.owns === owns)
  const tables = [...new Set(hidden.map(({ table }) => table))].join(', ')
  const roles = [...new Set(hidden.map(({ role }) => role))]
  const fixes = [
    ...new Set(by(false).map(({ role }) => `"alter role ${role} bypassrls" as a superuser`)),
    ...by(true).map(({ table }) => `"alter table ${table} no force row level security" as its owner`),
  ]
  return `row level security hides rows of ${tables} from ${roles.join(' and ')}, so no session can be decided or ended: ${fixes.join(', ')}.`
}

/** @throws Problem `unavailable` naming the tables with hidden rows. */
export async function requireAllRows(db: Executor, tables: readonly string[]): Promise<void> {
  const hidden = await hiddenTables(db, tables)
  if (hidden.length > 0) throw new Problem('unavailable', describeHiddenTables(hidden))
}
