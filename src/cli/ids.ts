/**
 * Ids on the command line. Tables print the first eight characters of a UUID, and commands take any beginning of eight or more that
 * only one row has. Other ids, such as those of users, are never shortened.
 */
import { between } from 'drizzle-orm'
import type { AnyPgColumn } from 'drizzle-orm/pg-core'
import type { Database } from '../database/database.ts'
import { UsageError } from './common.ts'

const SHORT = 8
const UUID = /^[0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12}$/i
/** Ids that an error lists. */
const MAX_LISTED = 5

/** @param wide whether to leave it whole. */
export function shortId(id: string, wide: boolean | undefined): string {
  return !wide && UUID.test(id) ? id.slice(0, SHORT) : id
}

/** The first and the last UUID that begin with a text; null where a UUID cannot, or fewer than eight characters are given. */
export function uuidsBeginning(text: string): [first: string, last: string] | null {
  const given = text.toLowerCase()
  const hex = given.replaceAll('-', '')
  const whole = (fill: string) =>
    hex.padEnd(32, fill).replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5')
  const [first, last] = [whole('0'), whole('f')]
  return given.length >= SHORT && UUID.test(first) && first.startsWith(given) ? [first, last] : null
}

export interface Named {
  /** What has the id: "operation". */
  what: string
  /** The command that lists them. */
  list: string
}

/**
 * The id that a text means: itself, or the only id of the column that begins with it.
 * @throws UsageError for a text that is no id. @throws Error when no id begins so, or several do.
 */
export async function resolveId(
  { run }: Pick<Database, 'run'>,
  column: AnyPgColumn,
  text: string,
  { what, list }: Named,
): Promise<string> {
  const bounds = uuidsBeginning(text)
  if (!bounds) throw new UsageError(`"${text}" is not the id of ${what}; see "global-logout ${list}".`)
  if (UUID.test(text)) return text.toLowerCase()
  const ids = await idsBetween({ run }, column, bounds)
  const [id, ...others] = ids
  if (id && others.length === 0) return id
  if (!id) throw new Error(`no id of ${what} begins with "${text}"; see "global-logout ${list}".`)
  throw ambiguous(text, ids)
}

/**
 * The id in a filter, which may be any text: where it begins the only UUID of the columns, that one.
 * @throws Error when it begins several.
 */
export async function wholeId(
  { run }: Pick<Database, 'run'>,
  columns: readonly AnyPgColumn[],
  text: string,
): Promise<string> {
  const bounds = UUID.test(text) ? null : uuidsBeginning(text)
  if (!bounds) return text
  const found = new Set<string>()
  for (const column of columns)
    for (const id of await idsBetween({ run }, column, bounds)) if (UUID.test(id)) found.add(id)
  const [id = text, ...others] = found
  if (others.length > 0) throw ambiguous(text, [...found])
  return id
}

function idsBetween(
  { run }: Pick<Database, 'run'>,
  column: AnyPgColumn,
  bounds: [string, string],
): Promise<string[]> {
  return run(async (db) => {
    const rows = await db
      .select({ id: column })
      .from(column.table)
      .where(between(column, ...bounds))
      .limit(MAX_LISTED + 1)
    return rows.map(({ id }) => String(id))
  })
}

function ambiguous(text: string, ids: string[]): Error {
  const more = ids.length > MAX_LISTED ? '\n  …' : ''
  return new Error(
    `"${text}" begins the ids of several; give more of it:\n  ${ids.slice(0, MAX_LISTED).join('\n  ')}${more}`,
  )
}
