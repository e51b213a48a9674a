/**
 * A global logout against another transaction, in every order of their statements. Two connections run their
 * statements in a given order. If one waits for a lock, the test sees it waiting (pg_blocking_pids), and it
 * continues when the other releases the lock.
 */

import { sql } from 'drizzle-orm'
import { drizzle } from 'drizzle-orm/node-postgres'
import pg from 'pg'
import t from 'tap'
import type { Executor } from '../../src/database/database.ts'
import { hashToken } from '../../src/database/token-hash.ts'
import { lockUserForLogout, updateLastSeen } from '../../src/sessions/queries.ts'
import { session } from '../../src/sessions/schema.ts'
import { testDatabase } from '../support/database.ts'
import { SEARCH_PATH } from '../support/server.ts'
import { within } from '../support/within.ts'

const database = await testDatabase()
const { psql } = database
let users = 0
const BEGIN = 'begin isolation level read committed'

interface Side {
  db: Executor
  pid: number
  end(): Promise<void>
}
async function side(): Promise<Side> {
  const client = new pg.Client({ connectionString: database.url, options: SEARCH_PATH })
  await client.connect()
  const { rows } = await client.query('select pg_backend_pid() as pid')
  return { db: drizzle(client), pid: rows[0].pid, end: () => client.end() }
}
const [mine, theirs, observer] = [await side(), await side(), await side()]
t.teardown(() => Promise.all([mine.end(), theirs.end(), observer.end()]))

type Step = (db: Executor, round: Round) => Promise<unknown>
interface Round {
  userId: string
  /** An existing session whose activity update is due. */
  old: { id: string; token: string }
  token: string
}
const execute =
  (text: string): Step =>
  (db) =>
    db.execute(text)
const commit = execute('commit')

const LOGOUT: Step[] = [
  execute(BEGIN),
  (db, { userId }) => lockUserForLogout(db, userId),
  (db, { userId }) =>
    db.execute(sql`select global_logout.end_sessions(pg_catalog.jsonb_populate_record(null::global_logout.operation,
      ${JSON.stringify({ kind: 'logout', actor_kind: 'user', user_id: userId })}::jsonb), null::uuid, null::uuid, 100)`),
  commit,
]
const insert: Step = (db, { userId, token }) =>
  db.insert(session).values({ sessionToken: token, userId, expires: sql`now() + interval '1 day'` })
const logIn =
  ({ replacing = false } = {}): Step =>
  (db, { userId, token, old }) =>
    db.execute(sql`select global_logout.log_in(${hashToken(token)}, ${userId}, '{}', null, null,
      ${replacing ? hashToken(old.token) : null}, null, true, null)`)
const OTHERS: Record<string, Step[]> = {
  'a login of this service': [execute(BEGIN), logIn(), commit],
  'a login that replaces a session': [execute(BEGIN), logIn({ replacing: true }), commit],
  'a login of the adapter, one insert': [execute(BEGIN), insert, commit],
  'a touch': [execute(BEGIN), (db, { old }) => updateLastSeen(db, [old.id]), commit],
  'a sliding update': [
    execute(BEGIN),
    (db, { old }) =>
      db.execute(sql`update session set expires = expires + interval '1 day' where id = ${old.id}`),
    commit,
  ],
  'another global logout': LOGOUT,
}

for (const [name, other] of Object.entries(OTHERS)) {
  const orders = interleavings(LOGOUT.length, other.length)
  t.test(`a global logout against ${name}: all ${orders.length} orders`, async (t) => {
    for (const order of orders) {
      const round = await prepare()
      const done = await play(order, other, round)
      const alive = await psql<{ token: string }>(`select id from session where "userId" = $1`, [
        round.userId,
      ])
      const inserted = name.startsWith('a login') ? 1 : -1
      if (inserted < 0) {
        t.equal(alive.length, 0, `${order}: no old session is valid`)
      } else {
        // A session inserted before the logout's commit is ended. One that had to wait for it, or came later,
        // stays valid.
        const bornAfter =
          done.indexOf(`other ${inserted} ends`) > done.indexOf(`logout ${LOGOUT.length - 1} begins`)
        t.equal(alive.length, bornAfter ? 1 : 0, `${order}: ${done.join(', ')}`)
      }
      const revoked = await psql('select 1 from revoked_session where session_id = $1', [round.old.id])
      t.equal(revoked.length, 1, `${order}: the old session is revoked exactly once`)
    }
  })
}

async function prepare(): Promise<Round> {
  const userId = `user-${++users}`
  const [old, token] = [`old-${users}`, `new-${users}`]
  await psql('insert into "user" (id) values ($1)', [userId])
  const [made] = await psql<{ id: string }>(
    `insert into session ("sessionToken", "userId", expires, "lastSeenAt")
      values ($1, $2, now() + interval '1 day', now() - interval '1 hour') returning id`,
    [hashToken(old), userId],
  )
  const id = made?.id ?? ''
  return { userId, token, old: { id, token: old } }
}

/**
 * Plays one order; if a statement waits, its side continues after it. @returns the order in which statements
 * began and ended.
 */
async function play(order: string, other: Step[], round: Round): Promise<string[]> {
  const done: string[] = []
  const lanes = {
    L: { name: 'logout', side: mine, steps: LOGOUT, next: 0, tail: Promise.resolve() },
    O: { name: 'other', side: theirs, steps: other, next: 0, tail: Promise.resolve() },
  }
  for (const letter of order) {
    const lane = lanes[letter as 'L' | 'O']
    const index = lane.next++
    let ended = false
    lane.tail = lane.tail.then(async () => {
      done.push(`${lane.name} ${index} begins`)
      await lane.steps[index]?.(lane.side.db, round)
      done.push(`${lane.name} ${index} ends`)
      ended = true
    })
    const settled = lane.tail.catch(() => {})
    const endsOrWaits = async () => {
      while (!ended && !(await waits(lane.side.pid))) await Promise.race([settled, nextTurn()])
    }
    await within(`${lane.name} ${index} to end or wait`, endsOrWaits())
  }
  await Promise.all([lanes.L.tail, lanes.O.tail])
  return done
}

const nextTurn = () => new Promise((turn) => setImmediate(turn))

async function waits(pid: number): Promise<boolean> {
  const { rows } = (await observer.db.execute(
    sql`select cardinality(pg_blocking_pids(${pid})) > 0 as waits`,
  )) as unknown as { rows: { waits: boolean }[] }
  return rows[0]?.waits === true
}

/** All merges of two sequences, as strings of L and O. */
function interleavings(l: number, o: number): string[] {
  if (l === 0 || o === 0) return ['L'.repeat(l) + 'O'.repeat(o)]
  return [
    ...interleavings(l - 1, o).map((rest) => `L${rest}`),
    ...interleavings(l, o - 1).map((rest) => `O${rest}`),
  ]
}
