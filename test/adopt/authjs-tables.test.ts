/**
 * `global-logout migrate --authjs-tables` creates exactly the tables of Auth.js's adapter, or none at all.
 */
import { DrizzleAdapter } from '@auth/drizzle-adapter'
import { drizzle } from 'drizzle-orm/node-postgres'
import { getTableConfig, type PgTable } from 'drizzle-orm/pg-core'
import t from 'tap'
import { runHere } from '../support/command.ts'
import { testDatabase } from '../support/database.ts'
import { changes, outside } from '../support/outside.ts'

/** The adapter's own definitions, which its package does not export. */
const definitions = new URL('../../node_modules/@auth/drizzle-adapter/lib/pg.js', import.meta.url).href
const { defineTables } = (await import(definitions)) as { defineTables(): Record<string, PgTable> }

const { psql, url } = await testDatabase()

async function migrating(...args: string[]) {
  const command = runHere(['migrate', ...args], { env: { DATABASE_URL: url } })
  return { code: await command.ended, output: command.output() }
}

t.test("the tables match the adapter's definitions", async (t) => {
  t.match(await migrating('--authjs-tables'), {
    code: 0,
    output: /user, account, session, verificationToken, authenticator/,
  })
  for (const table of Object.values(defineTables())) {
    const { name, columns, primaryKeys, foreignKeys } = getTableConfig(table)
    t.same(
      await psql(
        `select attname as name, format_type(atttypid, atttypmod) as type, attnotnull as "notNull" from pg_attribute
         where attrelid = $1::regclass and attnum > 0 order by attnum`,
        [`public."${name}"`],
      ),
      columns.map((column) => ({
        name: column.name,
        type: column.getSQLType().replace(/^timestamp$/, 'timestamp without time zone'),
        notNull:
          column.notNull || column.primary || primaryKeys.some(({ columns }) => columns.includes(column)),
      })),
      name,
    )
    const constraints = await psql<{ name: string }>(
      `select conname as name from pg_constraint where conrelid = $1::regclass and contype in ('p', 'u', 'f') order by 1`,
      [`public."${name}"`],
    )
    const wanted = [
      ...primaryKeys.map((key) => key.getName()),
      ...foreignKeys.map((key) => key.getName()),
      ...columns.filter(({ isUnique }) => isUnique).map(({ uniqueName }) => uniqueName),
      ...columns.filter(({ primary }) => primary).map(() => `${name}_pkey`),
    ]
    t.same(
      constraints.map((each) => each.name),
      wanted.sort(),
      name,
    )
  }
  const db = drizzle(url)
  t.teardown(() => db.$client.end())
  const adapter = DrizzleAdapter(db)
  const user = await adapter.createUser?.({ id: '', email: 'ada@example.com', emailVerified: null })
  t.equal(user?.email, 'ada@example.com')
  await adapter.createVerificationToken?.({ identifier: 'a', token: 'b', expires: new Date() })
})

t.test('if a table exists or the schema does not, no table is created', async (t) => {
  await psql('create schema auth; create table auth.authenticator (id int)')
  const before = await outside(url)
  t.match(await migrating('--authjs-tables'), {
    code: 2,
    output: /public already has account, authenticator, session, user/,
  })
  t.match(await migrating('--authjs-tables', 'auth'), { code: 2, output: /auth already has authenticator/ })
  t.match(await migrating('--authjs-tables', 'missing'), { code: 2, output: /there is no schema missing/ })
  t.same(changes(before, await outside(url)), [])
})
