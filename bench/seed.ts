/**
 * Fills a store's database once. A complete one of today is kept, so that a second run starts at once; any
 * other is made again: half a database, or sessions old enough to be renewed by their next check.
 */
import type pg from 'pg'
import { count } from './numbers.ts'
import type { Postgres } from './postgres.ts'
import { progress } from './progress.ts'
import { type StoreName, stores, usersOf } from './stores.ts'

/** Below the day after which Auth.js and Better Auth write a session again. */
const FRESH_MS = 12 * 3_600_000

/** @returns the name of the database. */
export async function seed(postgres: Postgres, name: StoreName, sessions: number): Promise<string> {
  const database = `${name}_${sessions}`
  if (await isFresh(postgres, database)) return database
  progress(`seeding ${count(sessions)} sessions for ${name}`)
  const { prepare, users, sessions: rows } = stores[name]
  await postgres.drop(database)
  await postgres.connected('postgres', (client) => client.query(`create database ${database}`))
  await prepare(postgres.urlOf(database))
  await postgres.connected(database, async (client) => {
    if (users) await client.query(users, [usersOf(sessions)])
    await withoutIndexes(client, rows.table, () => client.query(rows.insert, [sessions]))
    await client.query('vacuum (freeze, analyze)')
    await client.query('checkpoint')
    // Written last, to mark the database as complete.
    await client.query(`comment on database ${database} is '${new Date().toISOString()}'`)
  })
  return database
}

function isFresh(postgres: Postgres, database: string): Promise<boolean> {
  return postgres.connected('postgres', async (client) => {
    const { rows } = await client.query(
      `select shobj_description(oid, 'pg_database') as seeded from pg_database where datname = $1`,
      [database],
    )
    return Date.now() - Date.parse(rows[0]?.seeded) < FRESH_MS
  })
}

/**
 * Ten million rows take minutes this way, and an hour if every row goes into three indexes of random order.
 */
async function withoutIndexes(client: pg.Client, table: string, fill: () => Promise<unknown>): Promise<void> {
  const { rows: constraints } = await client.query(
    `select format('alter table %s drop constraint %I', conrelid::regclass, conname) as drop,
        format('alter table %s add constraint %I %s', conrelid::regclass, conname, pg_get_constraintdef(oid)) as make
      from pg_constraint where conrelid = $1::regclass and contype in ('p', 'u', 'f')
      order by contype = 'f'`,
    [table],
  )
  const { rows: indexes } = await client.query(
    `select format('drop index %s', indexrelid::regclass) as drop, pg_get_indexdef(indexrelid) as make
      from pg_index where indrelid = $1::regclass
        and not exists (select from pg_constraint where conindid = indexrelid and conrelid = indrelid)`,
    [table],
  )
  const all = [...constraints, ...indexes]
  for (const { drop } of all) await client.query(drop)
  // Generated rows need no triggers either.
  await client.query('set session_replication_role = replica')
  await fill()
  await client.query('reset session_replication_role')
  for (const { make } of all) await client.query(make)
}
