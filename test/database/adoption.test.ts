/** One `migrate` adopts the tables of an Auth.js application on the stock Drizzle adapter, and signs out no user. */

import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DrizzleAdapter } from '@auth/drizzle-adapter'
import { GlobalLogoutAdapter } from '@global-logout/authjs'
import { drizzle, type NodePgDatabase } from 'drizzle-orm/node-postgres'
import { migrate as applyMigrations } from 'drizzle-orm/node-postgres/migrator'
import pg from 'pg'
import t from 'tap'
import { migrate } from '../../src/database/migrate.ts'
import { hashToken } from '../../src/database/token-hash.ts'
import { findSession } from '../../src/sessions/queries.ts'
import { openTransaction } from '../authjs/application.ts'
import { inDays, newAccount } from '../authjs/contract-suite.ts'
import { testDatabase } from '../support/database.ts'
import { MIGRATIONS } from '../support/migrations.ts'
import { admin, databaseUrl } from '../support/server.ts'
import { shapeOf } from '../support/shape.ts'

let made = 0

/** The tables that drizzle-kit generates from the schema in Auth.js's documentation. */
const AUTHJS_TABLES = `
  create table "user" (id text primary key not null, name text, email text, "emailVerified" timestamp, image text,
    constraint user_email_unique unique (email));
  create table account ("userId" text not null, type text not null, provider text not null,
    "providerAccountId" text not null, refresh_token text, access_token text, expires_at integer, token_type text,
    scope text, id_token text, session_state text,
    constraint "account_provider_providerAccountId_pk" primary key (provider, "providerAccountId"));
  create table session ("sessionToken" text primary key not null, "userId" text not null, expires timestamp not null);
  create table "verificationToken" (identifier text not null, token text not null, expires timestamp not null,
    constraint "verificationToken_identifier_token_pk" primary key (identifier, token));`
const AUTHJS_KEYS = `
  alter table account add constraint "account_userId_user_id_fk"
    foreign key ("userId") references "user" (id) on delete cascade;
  alter table session add constraint "session_userId_user_id_fk"
    foreign key ("userId") references "user" (id) on delete cascade;`

t.test('users stay signed in, and their raw tokens are gone from the database', async (t) => {
  const { url, psql, db } = await emptyDatabase(AUTHJS_TABLES + AUTHJS_KEYS)
  const before = DrizzleAdapter(db)
  const ada = await before.createUser?.({
    id: '',
    name: 'Ada',
    email: 'ada@example.com',
    emailVerified: new Date(),
  })
  const account = newAccount(ada?.id ?? '')
  await before.linkAccount?.(account)
  const sent = { identifier: 'eve@example.com', token: 'hashed by Auth.js', expires: inDays(1) }
  await before.createVerificationToken?.(sent)
  const session = (sessionToken: string, expires: Date) => ({ sessionToken, userId: ada?.id ?? '', expires })
  const [phone, laptop, stale] = [
    session(crypto.randomUUID(), inDays(7)),
    session('Zoë’s 🔑 and \\101, as no generateSessionToken should have it', inDays(29)),
    session(crypto.randomUUID(), inDays(-1)),
  ]
  for (const each of [phone, laptop, stale]) await before.createSession?.(each)

  t.equal(await migrate(url), MIGRATIONS)

  const after = GlobalLogoutAdapter(db)
  for (const each of [phone, laptop]) {
    t.match(await findSession(db, each.sessionToken), { session: { userId: ada?.id } })
    t.strictSame(await after.getSessionAndUser?.(each.sessionToken), { session: each, user: ada })
  }
  t.equal(await findSession(db, stale.sessionToken), null, 'what was over stays over')
  t.strictSame(await after.getUserByAccount?.(account), ada)
  t.strictSame(await after.useVerificationToken?.(sent), sent)
  t.same(
    (await psql('select "sessionToken" as stored from session')).map(({ stored }) => stored).sort(),
    [phone, laptop, stale].map(({ sessionToken }) => hashToken(sessionToken)).sort(),
  )

  await after.deleteSession?.(phone.sessionToken)
  t.equal(await findSession(db, phone.sessionToken), null)
  t.match(await psql('select session_token from revoked_session'), [
    { session_token: hashToken(phone.sessionToken) },
  ])
})

t.test('a second migrate does nothing', async (t) => {
  const { url, psql } = await emptyDatabase(AUTHJS_TABLES + AUTHJS_KEYS)
  await psql(`insert into "user" (id) values ('ada')`)
  await psql(`insert into session values ('token', 'ada', now() + interval '1 day')`)
  await migrate(url)
  const after = await psql('select xmin, * from session')
  t.match(after, [{ sessionToken: hashToken('token') }])
  t.equal(await migrate(url), 0)
  t.strictSame(await psql('select xmin, * from session'), after, 'above all, no token is hashed twice')
})

t.test('an adopted database equals a new one', async (t) => {
  const created = await testDatabase()
  for (const found of [AUTHJS_TABLES + AUTHJS_KEYS, AUTHJS_TABLES]) {
    const adopted = await emptyDatabase(found)
    await migrate(adopted.url)
    t.strictSame(await shapeOf(adopted.psql), await shapeOf(created.psql))
  }
})

t.test('a foreign key to another table does not replace the one to the user', async (t) => {
  const { url, psql, db } = await emptyDatabase(`${AUTHJS_TABLES}
    create table tenant (id text primary key);
    alter table session add column tenant text references tenant (id)`)
  await migrate(url)
  await psql(`insert into "user" (id) values ('ada')`)
  await GlobalLogoutAdapter(db).createSession?.({ sessionToken: 'token', userId: 'ada', expires: inDays(1) })
  await psql('delete from "user"')
  t.equal(await findSession(db, 'token'), null)
  t.equal((await psql('select from revoked_session')).length, 1)
})

t.test('a user who signs in while the migration begins stays signed in', async (t) => {
  const { url, psql, db } = await emptyDatabase(AUTHJS_TABLES + AUTHJS_KEYS)
  await psql(`insert into "user" (id) values ('ada')`)
  const signIn = await openTransaction({ url })
  await signIn.query(`insert into session values ('token', 'ada', now() + interval '1 day')`)
  const migration = migrate(url)
  await signIn.keepsSomebodyWaiting()
  await signIn.commit()
  await migration
  t.match(await psql('select * from session'), [{ sessionToken: hashToken('token') }])
  t.match(await findSession(db, 'token'), { session: { userId: 'ada' } })
})

t.test('a failed adoption changes nothing', async (t) => {
  const stopped = {
    'a session of nobody': [AUTHJS_TABLES, /session_userId_user_id_fk/],
    'an end with a time zone': [
      `${AUTHJS_TABLES} alter table session alter expires type timestamptz`,
      /session.expires must be of type "timestamp"/,
    ],
  } as const
  for (const [name, [tables, reason]] of Object.entries(stopped)) {
    const { url, psql } = await emptyDatabase(tables)
    await psql(`insert into session values ('token', 'ada', '2099-01-01')`)
    const shape = await shapeOf(psql)
    await t.rejects(migrate(url), { cause: { message: reason } }, name)
    t.match(await psql('select * from session'), [{ sessionToken: 'token', userId: 'ada' }])
    t.strictSame(await shapeOf(psql), shape, name)
  }
})

t.test('of eight instances that start at once on a new database, one migrates', async (t) => {
  const { url, psql } = await emptyDatabase()
  const applied = await Promise.all(Array.from({ length: 8 }, () => migrate(url)))
  t.same(applied.sort(), [0, 0, 0, 0, 0, 0, 0, MIGRATIONS])
  t.equal((await psql('select from session_policy')).length, 1)
  t.strictSame(await shapeOf(psql), await shapeOf((await testDatabase()).psql))
})

t.test('the migrations of the application and ours do not hide each other', async (t) => {
  const far = Date.now() + 3_650 * 86_400_000
  const first = await emptyDatabase()
  await applyAsApplication(first.db, { sql: AUTHJS_TABLES, when: far })
  t.equal(await migrate(first.url), MIGRATIONS, 'one of the application is younger than all of ours')

  const second = await emptyDatabase()
  await migrate(second.url)
  await applyAsApplication(second.db, { sql: 'create table article (id text)', when: 1 })
  t.match(
    await second.psql(`select to_regclass('article')::text as article`),
    [{ article: 'article' }],
    'one of the application is older than all of ours',
  )
})

/** Applies a migration the way an application on drizzle does, from a folder as `drizzle-kit generate` leaves it. */
async function applyAsApplication(db: NodePgDatabase, { sql, when }: { sql: string; when: number }) {
  const migrationsFolder = await mkdtemp(join(tmpdir(), 'an-application-'))
  const entries = [{ idx: 0, version: '7', when, tag: '0000_first', breakpoints: true }]
  const journal = JSON.stringify({ version: '7', dialect: 'postgresql', entries })
  await mkdir(join(migrationsFolder, 'meta'))
  await writeFile(join(migrationsFolder, 'meta/_journal.json'), journal)
  await writeFile(join(migrationsFolder, '0000_first.sql'), sql)
  await applyMigrations(db, { migrationsFolder })
  await rm(migrationsFolder, { recursive: true })
}

/** A database without any migration of ours. */
async function emptyDatabase(sql = '') {
  const serverUrl = process.env.TEST_SERVER_URL ?? ''
  const name = `gl_adoption_${process.pid}_${++made}`
  await admin(serverUrl, (client) => client.query(`create database ${name}`))
  const url = databaseUrl(serverUrl, name)
  const pool = new pg.Pool({ connectionString: url, max: 2 })
  t.teardown(async () => {
    await pool.end()
    if (t.passing()) await admin(serverUrl, (client) => client.query(`drop database ${name} with (force)`))
    else t.comment(`kept for a look: ${url}`)
  })
  await pool.query(sql)
  return { url, db: drizzle(pool), psql: async (text: string) => (await pool.query(text)).rows }
}
