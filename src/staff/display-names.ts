/** Looks up the names of users and service keys by id. */
import { inArray, sql } from 'drizzle-orm'
import type { Executor } from '../database/database.ts'
import { serviceKey } from '../service-api/schema.ts'
import { user } from '../sessions/schema.ts'

/** Display names by id. An id is missing when its user or key is gone or has no name. */
export type DisplayNames = ReadonlyMap<string, string>

/** The names, else the email addresses, of users; and the names of service keys. */
export async function displayNames(
  db: Executor,
  ids: Iterable<string | null | undefined>,
): Promise<DisplayNames> {
  const wanted = [...new Set(ids)].filter((id) => id !== null && id !== undefined)
  if (wanted.length === 0) return new Map()
  const users = await db
    .select({ id: user.id, name: user.name, email: user.email })
    .from(user)
    .where(inArray(user.id, wanted))
  const keys = await db
    .select({ id: serviceKey.id, name: serviceKey.name })
    .from(serviceKey)
    .where(sql`${serviceKey.id}::text = any (${sql.param(wanted)}::text[])`)
  return new Map(
    [
      ...users.map(({ id, name, email }) => [id, name || email] as const),
      ...keys.map(({ id, name }) => [id, name] as const),
    ].filter((pair): pair is readonly [string, string] => pair[1] !== null),
  )
}
