/** Serves in this process: services on a database that is ready, and a server that listens. */
import type { FastifyBaseLogger } from 'fastify'
import { startChecker } from './checking/start.ts'
import type { Config } from './config.ts'
import { createMetrics } from './metrics.ts'
import { createBarrier, startLookingRound } from './propagation/barrier.ts'
import { createFeed } from './propagation/feed.ts'
import { createAccounts } from './security/accounts.ts'
import { createAudit } from './security/audit.ts'
import { INCIDENTS_AT_ONCE, startIncidentRunner } from './security/incident-runner.ts'
import { createIncidents } from './security/incidents.ts'
import { createKeys } from './security/keys.ts'
import { createOverview } from './security/overview.ts'
import { createReplays } from './security/replays.ts'
import { startSealer } from './security/sealer.ts'
import { buildServer, type ServerParts } from './server.ts'
import { createSessions } from './sessions/sessions.ts'
import { startSweeper } from './sessions/sweeper.ts'
import { createTouches } from './sessions/touches.ts'
import { type DatabaseOptions, openDatabase } from './storage/database.ts'
import { readFeed } from './storage/feed.ts'
import { barrierStore, REVOKED } from './storage/instances.ts'
import { createEars } from './storage/listener.ts'
import type { Tracing } from './tracing.ts'

const SWEEP_INTERVAL_MS = 60_000
/** For one query of the checks; with the longest wait for it (checking/checker.ts) below the promised 2 seconds. */
const CHECK_DEADLINE_MS = 1_000

/** What was started, in order; each step ends one thing. */
export type Closing = (() => Promise<unknown>)[]

/** Where to serve from. */
export interface Place {
  url: string
  /** Whether it is the demo, with a sign-in of its own. */
  demo: boolean
}

/** Resolves when it listens; what it opened is pushed on `closing`. */
export async function serve(
  config: Config,
  { url, demo }: Place,
  log: FastifyBaseLogger,
  closing: Closing,
  tracing?: Tracing,
): Promise<void> {
  const open = (options: DatabaseOptions) => {
    const opened = openDatabase(url, { ...options, log })
    closing.push(() => opened.close())
    return opened
  }
  const database = open({ max: 10 })
  // Connections of their own: logins and logouts that wait for one another must not keep a check waiting, nor all of
  // them a lease, which lives on a single connection.
  const databaseForChecks = open({ max: 4, deadlineMs: CHECK_DEADLINE_MS })
  const databaseForWaits = open({ max: 3, deadlineMs: CHECK_DEADLINE_MS })
  const databaseForLease = open({ max: 1, deadlineMs: CHECK_DEADLINE_MS })
  const databaseForIncidents = open({ max: INCIDENTS_AT_ONCE + 1 })
  const databaseForFeed = open({ max: 3, deadlineMs: CHECK_DEADLINE_MS })

  const metrics = createMetrics()
  metrics.pools({
    requests: database.pool,
    checks: databaseForChecks.pool,
    waits: databaseForWaits.pool,
    lease: databaseForLease.pool,
    feed: databaseForFeed.pool,
    incidents: databaseForIncidents.pool,
  })

  const touches = createTouches(database, log)
  closing.push(() => touches.close())
  metrics.touches(touches.counts)
  const sweeping = { intervalMs: SWEEP_INTERVAL_MS, retentionSeconds: config.revocationRetentionSeconds }
  const sweeper = startSweeper(database, sweeping, log)
  closing.push(() => sweeper.close())
  metrics.sweep(sweeper.counts)
  const barrier = createBarrier(barrierStore(databaseForWaits.run), { onPassed: metrics.revoked })
  const round = startLookingRound(barrier, log)
  closing.push(() => round.close())
  const runner = startIncidentRunner(databaseForIncidents, barrier, log)
  closing.push(() => runner.close())

  const ears = createEars(url, REVOKED)
  const checking = startChecker(config, { databaseForChecks, databaseForLease, ears }, touches, log)
  closing.push(() => checking.close())
  if (checking.leased) metrics.watch(checking.leased)
  const sessions = createSessions(database, touches, barrier, log)
  const keys = createKeys(database, log)
  const accounts = createAccounts(database, barrier, log)
  const replays = createReplays(database, log)
  closing.push(() => replays.close())
  const sealer = startSealer(database, log)
  closing.push(() => sealer.close())
  const feed = createFeed({ read: (from, upper) => readFeed(databaseForFeed.query, from, upper) }, ears)
  closing.push(() => feed.close())
  const parts: ServerParts = {
    config,
    database,
    sessions: metrics.ofSessions(sessions),
    keys: metrics.ofKeys(keys),
    incidents: createIncidents(database),
    accounts,
    audit: createAudit(database),
    overview: createOverview(database),
    replays,
    feed,
    checker: checking.checker,
    metrics,
    logger: log,
    tracing,
  }
  const app = await buildServer(
    demo ? { ...parts, signIn: (await import('./dev/sign-in.ts')).demoSignIn } : parts,
  )
  closing.push(() => app.close())
  await app.listen({ host: config.host, port: config.port })
}
