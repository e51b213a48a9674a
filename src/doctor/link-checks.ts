/** Checks the application's own table of users, for `global-logout doctor`: whether a deletion there ends sessions. */
import { type Finding, ok, problem, type Query } from './finding.ts'

/** Triggers of "users link" on a table. */
const NEEDED = 3

/** Finds the linked table by its triggers: the service has no right on `user_link`, and needs none here. */
export async function checkLink(query: Query): Promise<Finding> {
  const [linked] = await query<[{ table: string; active: number; children: string[] }[]]>(
    `select coalesce(pg_catalog.jsonb_agg(pg_catalog.to_jsonb(l)), '[]') from (
      select t.tgrelid::regclass::text as "table", pg_catalog.count(*) filter (where t.tgenabled in ('O', 'A')) as active,
        array(select i.inhrelid::regclass::text from pg_inherits i where i.inhparent = t.tgrelid order by 1) as children
      from pg_trigger t where t.tgfoid = 'global_logout.follow_users()'::regprocedure::oid group by t.tgrelid) l`,
  )
  const [link] = linked
  if (!link) return ok('users', 'no table of the application is linked')
  const { table, active, children } = link
  if (children.length > 0)
    return problem(
      'users',
      `${table} has child tables, ${children.join(', ')}: users who are deleted there stay signed in. Move them to ${table}, or end their sessions with DELETE /api/users/:id.`,
    )
  return active < NEEDED
    ? problem(
        'users',
        `a trigger on ${table} is disabled or gone: users who are deleted there may stay signed in. Run "global-logout users unlink --yes", then "users link" again.`,
      )
    : ok('users', `who is deleted in ${table} is signed out`)
}
