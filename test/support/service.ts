/** The whole service on a test database, listening on a port of its own; and people with devices. */
import t from 'tap'
import { startChecker } from '../../src/checking/start.ts'
import { readConfig } from '../../src/config.ts'
import { demoSignIn } from '../../src/dev/sign-in.ts'
import { createLogger } from '../../src/http/log.ts'
import { createMetrics } from '../../src/metrics.ts'
import type { KeyScope } from '../../src/operations/grants.ts'
import { createBarrier } from '../../src/propagation/barrier.ts'
import { createFeed } from '../../src/propagation/feed.ts'
import type { FeedStore } from '../../src/propagation/reader.ts'
import { createAccounts } from '../../src/security/accounts.ts'
import { createAudit } from '../../src/security/audit.ts'
import { createIncidents } from '../../src/security/incidents.ts'
import { createKey, createKeys } from '../../src/security/keys.ts'
import { createOverview } from '../../src/security/overview.ts'
import { createReplays } from '../../src/security/replays.ts'
import { buildServer } from '../../src/server.ts'
import { createSessions } from '../../src/sessions/sessions.ts'
import { createTouches } from '../../src/sessions/touches.ts'
import { openDatabase } from '../../src/storage/database.ts'
import { readFeed } from '../../src/storage/feed.ts'
import { barrierStore, REVOKED } from '../../src/storage/instances.ts'
import { createEars } from '../../src/storage/listener.ts'
import { user } from '../../src/storage/schema.ts'
import { type TestDatabase, testDatabase } from './database.ts'
import { insist } from './insist.ts'
import { freePort } from './ports.ts'
import { waitFor } from './within.ts'

const SYSTEM = { actorKind: 'system' as const, actorId: 'test' }

export interface ServiceOptions {
  database?: TestDatabase
  /** Settings beside those of a demo on a port of its own. */
  env?: Record<string, string>
  /** Adds the demo's sign-in. */
  demo?: boolean
  /** Collects the log at `trace`. */
  log?: string[]
  /** The monotonic clock of the replay alarm. */
  clock?: () => number
}

/** Starts the service in this process. Everything is closed when the test file ends. */
export async function startService({ database, env = {}, demo = false, log, clock }: ServiceOptions = {}) {
  const db = database ?? (await testDatabase())
  const port = await freePort()
  const config = readConfig({ DATABASE_URL: db.url, PORT: String(port), ...env })
  const logger = log
    ? createLogger('trace', { destination: { write: (line) => void log.push(line) } })
    : createLogger('silent')
  const touches = createTouches(db, logger)
  const feedDatabase = openDatabase(db.url, { max: 3, deadlineMs: 1_000 })
  const leaseDatabase = openDatabase(db.url, { max: 1, deadlineMs: 1_000 })
  const metrics = createMetrics()
  const barrier = createBarrier(barrierStore(db.run), { onPassed: metrics.revoked })
  const sessions = createSessions(db, touches, barrier, logger)
  const incidents = createIncidents(db)
  const accounts = createAccounts(db, barrier, logger)
  const audit = createAudit(db)
  // Written when a test says so: what the tests count must not fall into two records.
  const replays = createReplays(db, logger, clock, 3_600_000)
  const ears = createEars(db.url, REVOKED)
  const databases = { databaseForChecks: db, databaseForLease: leaseDatabase, ears }
  const { checker, leased, close } = startChecker(config, databases, touches, logger)
  if (leased) metrics.watch(leased)
  let feedReads = 0
  const readCounted: FeedStore['read'] = (from, upper) => {
    feedReads++
    return readFeed(feedDatabase.query, from, upper)
  }
  const feed = createFeed({ read: readCounted }, ears)
  const app = await buildServer({
    config,
    database: db,
    sessions,
    keys: createKeys(db, logger),
    incidents,
    accounts,
    audit,
    overview: createOverview(db),
    replays,
    feed,
    checker,
    metrics,
    logger,
    ...(demo && { signIn: demoSignIn }),
  })
  await app.listen({ host: '127.0.0.1', port })
  t.teardown(async () => {
    await app.close()
    await close()
    await feed.close()
    await leaseDatabase.close()
    await feedDatabase.close()
    await touches.close()
    await replays.close()
  })
  const base = `http://127.0.0.1:${port}`
  const cookieName = config.cookie.name

  return {
    app,
    base,
    config,
    database: db,
    sessions,
    touches,
    incidents,
    cookieName,
    barrier,
    accounts,
    audit,
    replays,
    feed,
    /** Reads of the feed so far, those of followers included. */
    feedReads: () => feedReads,
    /** Checks answered from memory so far. */
    hits: () => leased?.counts.hits ?? 0,
    /** Resolves when checks are answered from memory. */
    answersFromMemory: async () => {
      await waitFor('a lease', () => leased?.holdsLease())
    },
    leased,
    /** A request, redirects not followed. */
    http: (path: string, init: RequestInit = {}) => fetch(base + path, { redirect: 'manual', ...init }),
    /** A request with the session cookie, from our own site. */
    as: (token: string, path: string, { headers, ...init }: RequestInit = {}) =>
      fetch(base + path, {
        redirect: 'manual',
        ...init,
        headers: { cookie: `${cookieName}=${token}`, 'sec-fetch-site': 'same-origin', ...headers },
      }),
    /** The status of `/check` for a token. */
    check: async (token: string) => {
      const response = await fetch(`${base}/check`, { headers: { authorization: `Bearer ${token}` } })
      await response.arrayBuffer()
      return response.status
    },
    /** Adds a user. */
    addUser: async (id: string = crypto.randomUUID(), rest: { name?: string; email?: string } = {}) => {
      await insist(() =>
        db.run((executor) =>
          executor
            .insert(user)
            .values({ id, ...rest })
            .onConflictDoNothing(),
        ),
      )
      return id
    },
    /** Makes a service key. @returns the header that carries it. */
    keyFor: async (...scopes: KeyScope[]) => {
      const wanted = { name: 'test', scopes, lifetimeSeconds: null }
      const { key, record } = await insist(() => db.transaction((tx) => createKey(tx, wanted, SYSTEM)))
      return { id: record.id, key, headers: { authorization: `Bearer ${key}` } }
    },
    /** Signs a user in on a device. @returns the token in its cookie. */
    signIn: async (userId: string, userAgent = 'test', ipAddress = '203.0.113.7') => {
      const { token, session } = await insist(() => sessions.create({ userId, userAgent, ipAddress }))
      return { token, id: session.id }
    },
  }
}

export type Service = Awaited<ReturnType<typeof startService>>

/** A JSON body and its header, to spread into a request. */
export function json(body: unknown): RequestInit & { headers: Record<string, string> } {
  return { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }
}
