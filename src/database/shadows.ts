/**
 * Refuses to migrate when schema `public` holds functions or operators of other roles that shadow PostgreSQL's own. Migrations call
 * some of these by their bare names, and would run the shadows with the rights of the migrating login.
 */
import { type SQL, sql } from 'drizzle-orm'
import type { Executor } from './database.ts'
import { fetchRows } from './rows.ts'

/** Objects in `public` with a name of PostgreSQL's own that belong neither to us, nor to a superuser, nor to an extension. */
const shadowsOf = (called: string[]): SQL => sql`
  with shadows as (
    select p.oid, p.proowner as owner, p.proname::text || '('::text || pg_catalog.oidvectortypes(p.proargtypes) || ')'::text as what
    from pg_catalog.pg_proc p
    where p.pronamespace = 'public'::pg_catalog.regnamespace::oid and p.proname::text = any (${sql.param(called)}::text[])
      and exists (select from pg_catalog.pg_proc b where b.proname = p.proname and b.pronamespace = 'pg_catalog'::pg_catalog.regnamespace::oid)
    union all
    select o.oid, o.oprowner, 'operator '::text || o.oprname::text from pg_catalog.pg_operator o
    where o.oprnamespace = 'public'::pg_catalog.regnamespace::oid
      and exists (select from pg_catalog.pg_operator b where b.oprname = o.oprname and b.oprnamespace = 'pg_catalog'::pg_catalog.regnamespace::oid)
  )
  select s.what || ' of '::text || r.rolname::text as what from shadows s join pg_catalog.pg_roles r on r.oid = s.owner
  where not r.rolsuper and r.rolname <> current_user
    and not exists (select from pg_catalog.pg_depend d where d.objid = s.oid and d.deptype = 'e'::"char")
  order by 1 limit 5`

/** @param statements the SQL to be run. @throws Error naming the first five shadows. */
export async function refuseShadowedNames(tx: Executor, statements: string[]): Promise<void> {
  const calls = statements.flatMap((text) => [...text.matchAll(/\b(\w+) ?\(/g)])
  const called = [...new Set(calls.map(([, name = '']) => name.toLowerCase()))]
  const found = await fetchRows<{ what: string }>(tx, shadowsOf(called))
  if (found.length > 0)
    throw new Error(
      `schema public has functions of others with names of PostgreSQL's own: ${found.map(({ what }) => what).join('; ')}. Drop or rename them, "revoke create on schema public from public", and migrate again.`,
    )
}
