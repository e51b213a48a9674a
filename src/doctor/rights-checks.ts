/** Checks of rights in the database, for `global-logout doctor`: which roles exceed or lack their rights. */
import { TABLES } from '../tables.ts'
import { type Finding, ok, problem, type Query, warning } from './finding.ts'

/** Checks that the connecting role can end sessions but cannot change the audit log. */
export async function checkOwnRights(query: Query): Promise<Finding> {
  const [name, canChangeLog, canLogOut] = await query<[string, boolean, boolean]>(
    `select current_user::text, has_table_privilege('global_logout.operation', 'delete') or has_table_privilege('global_logout.operation', 'update'),
      has_table_privilege('global_logout.session', 'delete') and has_table_privilege('global_logout.operation', 'insert')`,
  )
  if (!canLogOut) return missingRights([name])
  if (canChangeLog)
    return warning(
      'rights',
      `role ${name} can modify the audit log. Use a login role in global_logout_service.`,
    )
  return ok('rights', `role ${name} can append to the audit log, not modify it`)
}

export function missingRights([name]: [string]): Finding {
  return problem('rights', `role ${name} cannot end sessions: "grant global_logout_service to ${name}".`)
}

/** Checks that the roles for the service, applications and checkers exist and have their rights. */
export async function checkRoles(query: Query): Promise<Finding> {
  const [incomplete] = await query<[string[]]>(
    `select array(select name from pg_catalog.unnest(array['global_logout_service', 'global_logout_checker', 'global_logout_application', 'global_logout_staff_application']) as name
      where case when name like '%_application'
        then pg_catalog.has_function_privilege(to_regrole(name)::oid, 'global_logout.use_session(text, boolean)'::text, 'execute'::text)
        else pg_catalog.has_table_privilege(to_regrole(name)::oid, 'global_logout.session_policy'::text, 'select'::text) end is not true)`,
  )
  return incomplete.length === 0
    ? ok(
        'roles',
        'global_logout_service, global_logout_checker, global_logout_application and global_logout_staff_application have their rights',
      )
    : warning(
        'roles',
        `missing, or without rights: ${incomplete.join(', ')}. For each, run "create role … nologin", then "select global_logout.grant_roles()".`,
      )
}

/**
 * Finds logins that can write operations in any actor's name, assign roles or create keys. Default privileges of the schema
 * may grant this unnoticed.
 */
export async function checkWriters(query: Query): Promise<Finding> {
  const [names] = await query<[string[]]>(
    `select array(select r.rolname::text || ' ('::text || pg_catalog.string_agg(c.relname::text, ', '::text order by c.relname) || ')'::text
      from pg_roles r, pg_class c where c.relnamespace = 'global_logout'::regnamespace::oid
      and c.relname in (${TABLES.map((name) => `'${name}'`).join(', ')})
      and not r.rolsuper and r.rolname::text not like 'pg\\_%'
      and (pg_catalog.has_table_privilege(r.oid, c.oid, 'insert, update, delete, truncate'::text)
        or pg_catalog.has_any_column_privilege(r.oid, c.oid, 'insert, update'::text))
      and not pg_catalog.pg_has_role(r.oid, c.relowner, 'usage'::text)
      and pg_catalog.pg_has_role(r.oid, to_regrole('global_logout_service'::text)::oid, 'usage'::text) is not true
      group by r.rolname order by 1)`,
  )
  return names.length === 0
    ? ok('recorders', 'only the service and the owner can write operations, roles, locks and keys')
    : warning(
        'recorders',
        `can write tables that only the service or the owner should: ${names.join('; ')}. Revoke these rights; an application needs only "grant global_logout_application to" its login.`,
      )
}

/** Checks that only the owner can create objects in our schema: they could replace those that the service calls, with its rights. */
export async function checkSchemaRights(query: Query): Promise<Finding> {
  const [others] = await query<[string[]]>(
    `select array(select r.rolname::text from pg_roles r join pg_namespace n on n.oid = to_regnamespace('global_logout')::oid
      where not r.rolsuper and r.rolname::text not like 'pg\\_%' and pg_catalog.has_schema_privilege(r.oid, n.oid, 'create'::text)
      and not pg_catalog.pg_has_role(r.oid, n.nspowner, 'usage'::text) order by 1)`,
  )
  return others.length > 0
    ? warning(
        'schema',
        `can create functions in the schema of global-logout: ${others.join(', ')}. Run "revoke create on schema … from" each of them.`,
      )
    : ok('schema', 'only the owner can create objects in the schema of global-logout')
}
