/** Rows of a raw query on every driver: drizzle's `execute` returns an array with postgres-js and Bun, `{ rows }` with all others. */
import type { SQL } from 'drizzle-orm'
import type { Executor } from './database.ts'

/** Runs a raw query. @returns its rows as objects, with values as the driver parses them. */
export async function fetchRows<Row>(db: Executor, query: SQL | string): Promise<Row[]> {
  const answer = (await db.execute(query)) as unknown as Row[] | { rows: Row[] }
  return Array.isArray(answer) ? answer : answer.rows
}
