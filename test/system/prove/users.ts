/**
 * Simulated users and their sessions. They sign in by SQL as Auth.js does, delete sessions and shorten `expires`; every act
 * is recorded in the history.
 */
import pg from 'pg'
import { hashToken } from '../../../src/database/token-hash.ts'
import { generateSessionToken } from '../../../src/sessions/tokens.ts'
import { SEARCH_PATH } from '../../support/server.ts'
import type { Deletion, Expiry, History } from './history.ts'
import type { Random } from './random.ts'
import { request } from './wire.ts'

export interface Device {
  /** Its index in the history. */
  session: number
  user: number
  /** The public id of its session. */
  id: string
  token: string
  /** The request that checks it. */
  check: string
  /** Not checked before it is ended, so that no instance has cached it. */
  quiet: boolean
  /** Whether a logout that should end it is in progress. */
  ending: boolean
  /** Whether its expiry may have been moved. It is moved once at most: of two moves the later could take effect. */
  dated: boolean
  over: boolean
}

/** This many ended sessions are still checked sometimes. */
const ENDED_KEPT = 1_000

export type Users = Awaited<ReturnType<typeof createUsers>>

export const userId = (user: number) => `user-${user}`

export async function createUsers(url: string, history: History, count: number) {
  const pool = new pg.Pool({
    connectionString: url,
    max: 8,
    application_name: 'prover',
    options: SEARCH_PATH,
    connectionTimeoutMillis: 5_000,
    query_timeout: 10_000,
  })
  pool.on('error', () => {})
  pool.on('connect', (client) => client.on('error', () => {}))
  await pool.query(`insert into "user" (id) select unnest($1::text[])`, [
    Array.from({ length: count }, (_, user) => userId(user)),
  ])
  const active: Device[][] = Array.from({ length: count }, () => [])
  const over: Device[] = []
  const numbers = new Map<string, number>()

  /** Sign-ins without an answer yet, with their users. */
  const signingIn = new Map<Promise<unknown>, number>()

  /** @returns null if the answer was lost. */
  async function signIn(user: number, random: Random): Promise<Device | null> {
    const made = makeSession(user, random)
    signingIn.set(made, user)
    return made.finally(() => signingIn.delete(made))
  }

  async function makeSession(user: number, random: Random): Promise<Device | null> {
    const token = generateSessionToken()
    // For half of them an activity update is due.
    const lastSeen = random.chance(0.5) ? '5 minutes' : '0'
    const record = { user, login: { begin: performance.now(), end: Number.POSITIVE_INFINITY } }
    const session = history.sessions.push(record) - 1
    const quiet = random.chance(0.3)
    const rows = await answered(SIGN_IN, [hashToken(token), userId(user), lastSeen])
    const id: string | undefined = rows?.[0]?.id
    if (!id) return null
    record.login.end = performance.now()
    const check = request('GET', '/check', token)
    const device = { session, user, id, token, check, quiet, ending: false, dated: false, over: false }
    numbers.set(id, session)
    active[user]?.push(device)
    return device
  }

  async function remove(devices: Device[]): Promise<Deletion> {
    const targets = devices.map(({ session }) => session)
    const act = begin<Deletion>({ kind: 'deletion', targets, outcome: 'unknown', ...now() })
    const rows = await answered('delete from session where id = any($1) returning id', [
      devices.map(({ id }) => id),
    ])
    act.end = performance.now()
    if (!rows) return act
    act.outcome = 'done'
    act.targets = rows.flatMap(({ id }) => numbers.get(id) ?? [])
    return act
  }

  async function expire(device: Device, ttl: number): Promise<Expiry> {
    const target = device.session
    const act = begin<Expiry>({ kind: 'expiry', target, ttl, outcome: 'unknown', ...now() })
    const rows = await answered(EXPIRE, [device.id, ttl])
    act.end = performance.now()
    if (rows) act.outcome = rows.length > 0 ? 'done' : 'nothing'
    return act
  }

  /** The rows, or null if the outcome of the statement is unknown. */
  async function answered(sql: string, values: unknown[]): Promise<{ id: string }[] | null> {
    try {
      return (await pool.query(sql, values)).rows
    } catch {
      return null
    }
  }

  function begin<T extends Deletion | Expiry>(act: T): T {
    history.acts.push(act)
    return act
  }

  return {
    count,
    pool,
    signIn,
    remove,
    expire,
    /** The sessions of a user that are not known to have ended. */
    of: (user: number): readonly Device[] => active[user] ?? [],
    all: (): readonly Device[] => active.flat(),
    /** The sessions that ended last. */
    over: over as readonly Device[],
    numberOf: (id: string) => numbers.get(id),
    /** Resolves when every sign-in of the user that is in progress has its answer. */
    answeredAll: (user: number) =>
      Promise.all([...signingIn].filter(([, who]) => who === user).map(([made]) => made)),
    isOver(device: Device): void {
      if (device.over) return
      device.over = true
      active[device.user] = (active[device.user] ?? []).filter((other) => other !== device)
      over.push(device)
      if (over.length > ENDED_KEPT) over.shift()
    },
    close: () => pool.end(),
  }
}

function now() {
  return { begin: performance.now(), end: Number.POSITIVE_INFINITY }
}

/** As Auth.js inserts: without a lock other than that of the foreign key. */
const SIGN_IN = `insert into session ("sessionToken", "userId", expires, "createdAt", "lastSeenAt")
  values ($1, $2, (now() + interval '1 day') at time zone 'utc', now() - interval '10 minutes', now() - $3::interval)
  returning id`

const EXPIRE = `update session set expires = (statement_timestamp() + $2 * interval '1 ms') at time zone 'utc'
  where id = $1 returning id`
