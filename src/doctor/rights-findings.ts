/** What `global-logout doctor` finds in the database's rights: who may do what only the service and the owner should. */
import { OWN_TABLES } from '../tables.ts'
import { type Finding, ok, problem, type Query, warning } from './findings.ts'

/** Whether the login that connects could rewrite the record. */
export async function findRights(query: Query): Promise<Finding> {
  const [name, mayDelete, mayLogOut] = await query<[string, boolean, boolean]>(
    `select current_user::text, has_table_privilege('operation', 'delete') or has_table_privilege('operation', 'update'),
      has_table_privilege('session', 'delete') and has_table_privilege('operation', 'insert')`,
  )
  if (!mayLogOut) return noRights([name])
  if (mayDelete)
    return warning(
      'rights',
      `${name} may change the record of operations. Run the service as a login role in global_logout_service.`,
    )
  return ok('rights', `${name} may add to the record, not change it`)
}

export function noRights([name]: [string]): Finding {
  return problem('rights', `${name} may not end sessions: "grant global_logout_service to ${name}".`)
}

/** Whether the roles for the service, for applications and for those who only check are there, with their rights. */
export async function findRoles(query: Query): Promise<Finding> {
  const [lacking] = await query<[string[]]>(
    `select array(select name from pg_catalog.unnest(array['global_logout_service', 'global_logout_checker', 'global_logout_application']) as name
      where pg_catalog.has_table_privilege(to_regrole(name)::oid, 'public.session_policy'::text, 'select'::text) is not true)`,
  )
  return lacking.length === 0
    ? ok(
        'roles',
        'global_logout_service, global_logout_checker and global_logout_application have their rights',
      )
    : warning(
        'roles',
        `missing, or without rights: ${lacking.join(', ')}. Create it as "create role … nologin", then "select grant_global_logout_roles()".`,
      )
}

/**
 * Logins that may record acts in any name, as applications had to before they got a role of their own, give a role, make a key,
 * and the like: default privileges of the schema may grant all of it unasked.
 */
export async function findRecorders(query: Query): Promise<Finding> {
  const [names] = await query<[string[]]>(
    `select array(select r.rolname::text || ' ('::text || pg_catalog.string_agg(c.relname::text, ', '::text order by c.relname) || ')'::text
      from pg_roles r, pg_class c where c.relnamespace = 'public'::regnamespace::oid
      and c.relname in (${OWN_TABLES.map((name) => `'${name}'`).join(', ')})
      and not r.rolsuper and r.rolname::text not like 'pg\\_%'
      and (pg_catalog.has_table_privilege(r.oid, c.oid, 'insert, update, delete, truncate'::text)
        or pg_catalog.has_any_column_privilege(r.oid, c.oid, 'insert, update'::text))
      and not pg_catalog.pg_has_role(r.oid, c.relowner, 'usage'::text)
      and pg_catalog.pg_has_role(r.oid, to_regrole('global_logout_service'::text)::oid, 'usage'::text) is not true
      group by r.rolname order by 1)`,
  )
  return names.length === 0
    ? ok('recorders', 'only the service and the owner may write operations, roles, locks and keys')
    : warning(
        'recorders',
        `may write as only the service or the owner should: ${names.join('; ')}. Revoke it; an application needs "grant global_logout_application to" it, and nothing on these tables.`,
      )
}

/** A function in schema public may be a better match for what the service calls, and runs with its rights. */
export async function findCreators(query: Query): Promise<Finding> {
  const [mayCreate] = await query<[boolean]>(
    `select pg_catalog.has_schema_privilege(0::oid, 'public'::text, 'create'::text)`,
  )
  return mayCreate
    ? warning(
        'schema public',
        'every login may create functions in it, as before PostgreSQL 15: "revoke create on schema public from public".',
      )
    : ok('schema public', 'not every login may create in it')
}
