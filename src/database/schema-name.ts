/**
 * The PostgreSQL schema that holds all our tables, functions and triggers, and nothing else. Every statement names it; none relies
 * on `search_path`. `drop schema global_logout cascade` removes everything.
 *
 * The sources and migrations write its default name. Where DATABASE_SCHEMA gives another, `inSchema` replaces it as a statement is
 * sent: names are identifiers, which no parameter of a statement can carry. `@global-logout/postgres` bundles this module.
 */
export const DEFAULT_SCHEMA = 'global_logout'

/** A name that no other party uses, and that needs no quotes in a regclass or a setting: `drop schema … cascade` has to remove what is ours, and nothing else. */
export const SCHEMA_NAME = /^(?!pg_)(?!(?:public|information_schema)$)[a-z_][a-z0-9_]{0,62}$/
export const SCHEMA_NAME_RULE =
  'a name of its own in lower case such as global_logout: letters, digits and underscores, and not public'

/** `global_logout.name`, `"global_logout"."name"`, and the schema itself in a statement or a look-up. */
const NAMES =
  /(?<=\bschema )global_logout\b|(?<=to_regnamespace\(')global_logout(?=')|\bglobal_logout\b(?="?\.|'::(?:pg_catalog\.)?regnamespace)/gi

/**
 * The statement with the names of `schema` instead of the default. A setting such as `global_logout.operation_id` follows. Names are
 * quoted, because `user` and others are reserved words; not within quotes, where `regclass` reads any word and a setting none.
 */
export function inSchema(statement: string, schema: string): string {
  if (schema === DEFAULT_SCHEMA) return statement
  return statement.replace(NAMES, (_, at: number) =>
    /['"]/.test(statement[at - 1] ?? '') ? schema : `"${schema}"`,
  )
}

/** A query with the names of `schema`. A `Submittable` belongs to one connection and is changed in place. */
export function renamed<Q extends string | { text?: string; submit?: unknown }>(query: Q, schema: string): Q {
  if (schema === DEFAULT_SCHEMA) return query
  if (typeof query === 'string') return inSchema(query, schema) as Q
  if (typeof query.text !== 'string') return query
  const target = query.submit ? query : { ...(query as object) }
  return Object.assign(target, { text: inSchema(query.text, schema) }) as Q
}
