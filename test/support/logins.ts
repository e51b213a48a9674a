/** Logins with the rights of one role and nothing else, as docs/operations.md has them made. */
import { randomBytes } from 'node:crypto'
import t from 'tap'
import { openDatabase } from '../../src/storage/database.ts'
import type { TestDatabase } from './database.ts'
import { admin } from './server.ts'

let made = 0

/**
 * Makes a login; gone when the file ends.
 * @param role its only role; without one it is a stranger.
 */
export async function login(owner: TestDatabase, role?: string): Promise<TestDatabase & { name: string }> {
  const name = `gl_test_login_${process.pid}_${++made}`
  const password = randomBytes(12).toString('hex')
  await owner.psql(`create role ${name} login password '${password}' ${role ? `in role ${role}` : ''}`)
  const url = new URL(owner.url)
  url.username = name
  url.password = password
  const database = openDatabase(url.href)
  t.teardown(async () => {
    await database.close()
    await owner.psql(`drop owned by ${name}; drop role ${name}`)
  })
  return {
    ...database,
    name,
    url: url.href,
    psql: (sql: string, values?: unknown[]) =>
      admin(url.href, async (client) => (await client.query(sql, values)).rows),
  }
}
