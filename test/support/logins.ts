/** Database logins with the rights of one role and nothing else, created as docs/operations.md says. */
import { randomBytes } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import { openTestDatabase, type TestDatabase } from './database.ts'

let made = 0

/**
 * Creates a login; dropped when the file ends.
 * @param role its only role; without one it has no rights.
 */
export async function login(owner: TestDatabase, role?: string): Promise<TestDatabase & { name: string }> {
  const name = `gl_test_login_${process.pid}_${++made}`
  const password = randomBytes(12).toString('hex')
  await owner.psql(`create role ${name} login password '${password}' ${role ? `in role ${role}` : ''}`)
  const url = new URL(owner.url)
  url.username = name
  url.password = password
  t.teardown(() => dropLogin(owner, name))
  return { ...openTestDatabase(url.href), name }
}

/** "Tuple concurrently updated" and a deadlock. Roles belong to the whole server, and other test files change theirs. */
const CONCURRENT = ['XX000', '40P01']
const ATTEMPTS = 20

/** Drops a login and its rights; its objects in this database go to the owner. */
export async function dropLogin({ psql }: Pick<TestDatabase, 'psql'>, name: string): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    try {
      await psql(`reassign owned by ${name} to current_user; drop owned by ${name}; drop role ${name}`)
      return
    } catch (error) {
      const { code = '' } = error as { code?: string }
      if (!CONCURRENT.includes(code) || attempt === ATTEMPTS) {
        t.comment(`the login ${name} is left: ${error}`)
        throw error
      }
      await sleep(100)
    }
  }
}
