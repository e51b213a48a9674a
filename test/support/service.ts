/** Starts the whole service on a test database and its own port, and signs users in on devices. */
import t from 'tap'
import { readConfig } from '../../src/config.ts'
import { createCleanup } from '../../src/lib/cleanup.ts'
import { silentLog } from '../../src/lib/log.ts'
import { createLogger } from '../../src/observability/log.ts'
import { type InThisProcess, serve } from '../../src/serve.ts'
import { createKey } from '../../src/service-api/keys.ts'
import type { KeyScope } from '../../src/service-api/scopes.ts'
import { createServices } from '../../src/services.ts'
import { user } from '../../src/sessions/schema.ts'
import { boundedFetch } from './bounded-fetch.ts'
import { type TestDatabase, testDatabase } from './database.ts'
import { freePort } from './ports.ts'
import { untilDecided } from './until-decided.ts'
import { waitFor } from './within.ts'

/** As `replayFlushMs`: only `replays.flush()` records reused tokens, so that a test can count them. */
export const NEVER_MS = 3_600_000

/** Deadline of requests and queries, in milliseconds: enough on a loaded machine, where the service would answer 503. */
const PATIENT_MS = 10_000

/** Settings that only a start writes to the database, in `prepare`. */
const NEED_PREPARE = ['SESSION_MAX_AGE', 'SESSION_IDLE_TIMEOUT']

const SYSTEM = { actorKind: 'system' as const, actorId: 'test' }

export interface ServiceOptions
  extends Pick<InThisProcess, 'clock' | 'wrapPool' | 'except' | 'replayFlushMs'> {
  database?: TestDatabase
  /**
   * Settings in addition to those of a demo on a port of its own. Without CHECK_MODE every check reads the
   * database; `served` has the default.
   */
  env?: Record<string, string>
  /** Adds the demo's sign-in. */
  demo?: boolean
  /** Collects the log at `trace`. */
  log?: string[]
  /** False where the test's database keeps it from ever answering. */
  answers?: boolean
  /** False for the deadlines that ship, where a test is about a database that hangs. */
  patient?: boolean
}

/**
 * Starts the service in this process, as `global-logout start` does, on a database that is prepared. Resolves once it may answer; in
 * leased mode it holds a lease then. Everything is closed when the test file ends.
 * @throws Error if `env` has a setting that would need `prepare`.
 */
export async function startService({
  database,
  env = {},
  demo = false,
  log,
  answers = true,
  patient = true,
  ...rest
}: ServiceOptions = {}) {
  const ignored = NEED_PREPARE.filter((name) => name in env)
  if (ignored.length > 0) throw new Error(`startService does not apply ${ignored}: call prepare first.`)
  const db = database ?? (await testDatabase())
  const port = await freePort()
  // Not the default: tests change rows by SQL and ask at once, and an instance with a lease hears of that up
  // to three seconds later.
  const config = readConfig({ DATABASE_URL: db.url, PORT: String(port), CHECK_MODE: 'database', ...env })
  const logger = log
    ? createLogger('trace', { destination: { write: (line) => void log.push(line) } })
    : createLogger('silent')
  const cleanup = createCleanup()
  t.teardown(cleanup.run)
  const { services, app } = await serve(
    config,
    { url: config.databaseUrl ?? db.url, directUrl: config.databaseDirectUrl, demo },
    logger,
    cleanup,
    { ...rest, ...(patient && { deadlineMs: PATIENT_MS }) },
  )
  const base = `http://127.0.0.1:${port}`
  const cookieName = config.cookie.name
  if (answers) await waitFor('the service to answer', () => services.fence?.server)

  const { leased } = services.checking

  return {
    ...services,
    app,
    base,
    /** The test's own connections, separate from those of the service. */
    database: db,
    cookieName,
    /** Checks answered from the cache so far. */
    hits: () => leased?.counts.hits ?? 0,
    /** Resolves once this instance holds a lease, so that it answers checks from its cache. */
    answersFromMemory: async () => {
      await waitFor('a lease', () => leased?.holdsLease())
    },
    leased,
    /** A request; redirects are not followed. */
    http: (path: string, init: RequestInit = {}) =>
      boundedFetch(base + path, { redirect: 'manual', ...init }),
    /** A request with the session cookie, from the same origin. */
    as: (token: string, path: string, { headers, ...init }: RequestInit = {}) =>
      boundedFetch(base + path, {
        redirect: 'manual',
        ...init,
        headers: { cookie: `${cookieName}=${token}`, 'sec-fetch-site': 'same-origin', ...headers },
      }),
    /** The status of `/check` for a token. */
    check: async (token: string) => {
      const response = await boundedFetch(`${base}/check`, { headers: { authorization: `Bearer ${token}` } })
      await response.arrayBuffer()
      return response.status
    },
    /** Adds a user. */
    addUser: async (id: string = crypto.randomUUID(), rest: { name?: string; email?: string } = {}) => {
      await untilDecided(() =>
        db.run((executor) =>
          executor
            .insert(user)
            .values({ id, ...rest })
            .onConflictDoNothing(),
        ),
      )
      return id
    },
    /** Creates a service key. @returns the header that carries it. */
    keyFor: async (...scopes: KeyScope[]) => {
      const wanted = { name: 'test', scopes, lifetimeSeconds: null }
      const { key, record } = await untilDecided(() => db.transaction((tx) => createKey(tx, wanted, SYSTEM)))
      return { id: record.id, key, headers: { authorization: `Bearer ${key}` } }
    },
    /** Signs a user in on a device. @returns the token in its cookie. */
    signIn: async (userId: string, userAgent = 'test', ipAddress = '203.0.113.7') => {
      const { token, session } = await untilDecided(() =>
        services.sessions.create({ userId, userAgent, ipAddress }),
      )
      return { token, id: session.id }
    },
  }
}

/** The services of another process on a test's database, without its jobs. Closed when the test file ends. */
export function servicesOn(url: string, env: Record<string, string> = {}) {
  const services = createServices(readConfig({ DATABASE_URL: url, ...env }), silentLog, { url })
  t.teardown(services.close)
  return services
}

export type Service = Awaited<ReturnType<typeof startService>>

/** A JSON body and its header, to spread into a request. */
export function json(body: unknown): RequestInit & { headers: Record<string, string> } {
  return { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }
}
