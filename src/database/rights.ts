/**
 * Reads from the database what each of the six roles may do to our objects. The objects come from the catalog, so that new ones
 * are included: our schema and everything in it. Extensions are left out.
 */
import { sql } from 'drizzle-orm'
import type { Executor } from './database.ts'
import { fetchRows } from './rows.ts'

/** The owner of the tables, the four roles of the migrations, and `stranger`: any other login, which has the rights of PUBLIC. */
export const ROLES = ['owner', 'service', 'checker', 'application', 'staff_application', 'stranger'] as const
type Role = (typeof ROLES)[number]

export interface Rights extends Record<Role, string[]> {
  kind: 'schema' | 'table' | 'sequence' | 'function'
  name: string
}

const ROLE_IDS = sql`(values ('owner', (select nspowner from pg_namespace where oid = to_regnamespace('global_logout')::oid)),
  ('service', to_regrole('global_logout_service')::oid), ('checker', to_regrole('global_logout_checker')::oid),
  ('application', to_regrole('global_logout_application')::oid),
  ('staff_application', to_regrole('global_logout_staff_application')::oid), ('stranger', 0::oid)) as roles (who, id)`

/** One entry for each object. A right on some columns lists them: `update (image)`. A missing role has no rights. */
export async function readRights(db: Executor): Promise<Rights[]> {
  const rows = await fetchRows<{ kind: Rights['kind']; name: string; who: Role; may: string[] }>(
    db,
    sql`
    with roles as (select * from ${ROLE_IDS}), objects as (
      select 'schema' as kind, oid as id, nspname::text as name from pg_namespace where oid = to_regnamespace('global_logout')::oid
      union all
      select case relkind when 'S' then 'sequence' else 'table' end, oid, relname::text from pg_class
      where relkind in ('r', 'p', 'v', 'm', 'f', 'S') and relnamespace = to_regnamespace('global_logout')::oid
      union all
      select 'function', oid, proname::text || '('::text || pg_catalog.oidvectortypes(proargtypes) || ')' from pg_proc
      where pronamespace = to_regnamespace('global_logout')::oid
    ), own as (
      select * from objects where not exists (select from pg_depend where objid = objects.id and deptype = 'e')
    ), rights as (
      select kind, name, who, ord, case
        when kind = 'schema' then case when pg_catalog.has_schema_privilege(roles.id, own.id, word) then word end
        when kind = 'function' then case when pg_catalog.has_function_privilege(roles.id, own.id, word) then word end
        when kind = 'sequence' then case when pg_catalog.has_sequence_privilege(roles.id, own.id, word) then word end
        when pg_catalog.has_table_privilege(roles.id, own.id, word) then word
        when word in ('select', 'insert', 'update', 'references') then word || ' (' || (
          select pg_catalog.string_agg(attname::text, ', '::text order by attnum) from pg_attribute
          where attrelid = own.id and attnum > 0 and not attisdropped
            and pg_catalog.has_column_privilege(roles.id, own.id, attnum, word)) || ')'
        end as may
      from own cross join roles, pg_catalog.unnest(case kind when 'schema' then '{usage,create}' when 'function' then '{execute}'
        when 'sequence' then '{usage,select,update}'
        else '{select,insert,update,delete,truncate,references,trigger}' end::text[]) with ordinality as words (word, ord)
    )
    select kind, name, who, coalesce(pg_catalog.array_agg(may order by ord) filter (where may is not null), '{}') as may
    from rights group by kind, name, who
    order by pg_catalog.array_position('{schema,table,sequence,function}'::text[], kind), name collate "C"`,
  )
  const found = new Map<string, Rights>()
  for (const { kind, name, who, may } of rows) {
    const key = `${kind} ${name}`
    const rights = found.get(key) ?? {
      kind,
      name,
      owner: [],
      service: [],
      checker: [],
      application: [],
      staff_application: [],
      stranger: [],
    }
    rights[who] = may
    found.set(key, rights)
  }
  return [...found.values()]
}
