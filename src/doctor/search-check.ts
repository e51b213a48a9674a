/** Checks the index for the search of staff by any part of a name or an email address. Without it, the search finds beginnings. */
import { type Finding, ok, type Query, warning } from './finding.ts'

/** The statement of `index_users()` in migrations/0007_find.sql, without holding up sign-ins. */
const concurrently = (schema: string) =>
  `create index concurrently user_part_idx on ${schema}."user" using gin (lower(coalesce("left"(name, 600), '') || ' ' || coalesce("left"(email, 600), '')) gin_trgm_ops)`

export async function checkSearch(query: Query): Promise<Finding> {
  const [schema, exists, usable, hasTrigrams] = await query<[string, boolean, boolean, boolean]>(
    `select to_regnamespace('global_logout')::text, found.id is not null, exists (select from pg_index where indexrelid = found.id and indisvalid),
        exists (select from pg_extension where extname::text = 'pg_trgm')
      from (select pg_catalog.to_regclass('global_logout.user_part_idx')::oid as id) as found`,
  )
  if (usable) return ok('search', 'staff find users by any part of a name or an email address')
  if (exists)
    return warning(
      'search',
      `the index user_part_idx was not completed. As the owner, run "drop index ${schema}.user_part_idx", then "${concurrently(schema)}".`,
    )
  const only = 'staff find users by beginnings only. For any part of a name'
  return ok(
    'search',
    hasTrigrams
      ? `${only}, run "global-logout migrate" as the owner; with many users first "${concurrently(schema)}", then "analyze ${schema}."user"".`
      : `${only}, run "create extension pg_trgm", then "global-logout migrate" as the owner.`,
  )
}
