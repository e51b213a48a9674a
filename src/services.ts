/**
 * The services of one process on one database. `createServices` creates them, and `close` ends everything in reverse
 * order; `jobs.ts` starts their background jobs. Server, command line, tests and OpenAPI printer share this composition. No
 * service connects before its first call.
 */
import { createChecking } from './check/start.ts'
import type { Config } from './config.ts'
import { type Database, openDatabase } from './database/database.ts'
import { createSharedListener, type SharedListener } from './database/listener.ts'
import type { DatabaseUrls } from './database/pooler.ts'
import { forEachPool, isDirect, type PoolName } from './database/pools.ts'
import { createReads, openReplica } from './database/reads.ts'
import { createAdmission, createWatch } from './failover/admission.ts'
import { createReconciler } from './failover/reconcile.ts'
import { createFeed } from './feed/feed.ts'
import { readFeed } from './feed/queries.ts'
import { createAfterCommit } from './leases/after-commit.ts'
import { createBarrier } from './leases/barrier.ts'
import { createFence } from './leases/fence.ts'
import type { MachineLease } from './leases/machine-lease.ts'
import { REVOKED } from './leases/notice.ts'
import { barrierStore } from './leases/queries.ts'
import { createCleanup } from './lib/cleanup.ts'
import type { Log } from './lib/log.ts'
import { createMetrics } from './observability/metrics.ts'
import { createAcknowledged } from './operations/acknowledged.ts'
import type { Journal } from './operations/journal.ts'
import { createKeys } from './service-api/keys.ts'
import { createLastSeen } from './sessions/last-seen.ts'
import { createPlaces } from './sessions/places.ts'
import { updateLastSeen } from './sessions/queries.ts'
import { createSessions } from './sessions/sessions.ts'
import { createAccounts } from './staff/accounts/accounts.ts'
import { createAudit } from './staff/audit/audit.ts'
import { createIncidents } from './staff/incidents/incidents.ts'
import { createOverview } from './staff/overview/overview.ts'
import { createEraseUser } from './staff/personal-data/erase.ts'
import { createExportUser } from './staff/personal-data/export.ts'
import { createAcknowledge } from './staff/replays/acknowledge.ts'
import { createReplays } from './staff/replays/replays.ts'
import { isStaff } from './staff/roles.ts'

export interface ServicesOptions extends DatabaseUrls {
  /** Where acknowledged operations are written to outlive the process. */
  journal?: Journal | null
  /** Notifies of revocations; by default over a connection of its own. */
  listener?: SharedListener
  /** In a worker: the lease of its machine. */
  machineLease?: MachineLease
  /** Whether this process answers requests: in leased mode only while it holds a lease, and only from a server that was admitted. */
  serves?: boolean
  /** Deadline of all pools and of requests, in milliseconds, instead of their own. The command line waits longer than a request. */
  deadlineMs?: number
  /** For tests: wraps a pool to count or delay its queries. */
  wrapPool?: (pool: Database, name: PoolName) => Database
  /** For tests: the monotonic clock of the replay alarm, in milliseconds. */
  clock?: () => number
  /** For tests: milliseconds between two writes of the replay alarm. */
  replayFlushMs?: number
}

export type Services = ReturnType<typeof createServices>

/**
 * Creates the services. Activity updates and the replay alarm begin their loops here, in commands too: an empty loop sends
 * no query, and no loop keeps the process alive.
 */
export function createServices(
  config: Config,
  log: Log,
  {
    url,
    directUrl,
    journal = null,
    listener = createSharedListener(directUrl ?? url, REVOKED),
    machineLease,
    serves = false,
    deadlineMs,
    wrapPool = (pool) => pool,
    clock,
    replayFlushMs,
  }: ServicesOptions,
) {
  const cleanup = createCleanup()
  /** Makes `close` end the service. */
  const track = <T extends { close(): Promise<unknown> }>(service: T): T => {
    cleanup.add(() => service.close())
    return service
  }
  const fence = serves ? createFence() : null
  const pools = forEachPool((name, settings) =>
    wrapPool(
      track(
        openDatabase(directUrl && isDirect(name, config.checkMode) ? directUrl : url, {
          max: settings.max,
          deadlineMs: deadlineMs ?? settings.deadlineMs,
          log,
          genericPlans: settings.genericPlans ?? false,
          pooled: Boolean(directUrl) && !isDirect(name, config.checkMode),
          ...(fence && settings.fenced && { fence }),
        }),
      ),
      name,
    ),
  )
  const database = pools.requests
  const replica = config.databaseReadUrl ? track(openReplica(config.databaseReadUrl, log, deadlineMs)) : null
  const reads = createReads(database, replica, log)
  const metrics = createMetrics()
  metrics.pools(forEachPool((name) => pools[name].pool))
  const lastSeen = track(
    createLastSeen(
      (ids, activity) => database.unfenced.run((db) => updateLastSeen(db, ids, { activity })),
      log,
    ),
  )
  metrics.lastSeen(lastSeen.counts)
  const barrier = createBarrier(barrierStore(pools.waits.run, pools.jobs.run), {
    onWait: metrics.revocationWaited,
  })
  const acknowledged = track(createAcknowledged(journal, log))
  const afterCommit = createAfterCommit(database.unfenced, barrier, acknowledged, log)
  const reconciler = createReconciler(
    acknowledged,
    log,
    ({ xid, operationId }) => void afterCommit(xid, operationId, []),
  )
  const admission = createAdmission(directUrl ?? url, reconciler, log)
  const watch =
    fence && config.checkMode === 'database' ? createWatch(directUrl ?? url, admission, fence) : null
  if (fence && watch) fence.met = watch.met
  metrics.failover(reconciler.counts, acknowledged.counts)
  const checking = createChecking(
    config,
    { checks: pools.checks, lease: pools.lease, machineLease, listener, fence, admit: admission.admit },
    lastSeen,
    log,
  )
  const replays = track(createReplays(database.unfenced, log, clock, replayFlushMs))
  metrics.reusedTokens(replays.counts)
  if (checking.leased) metrics.leasedChecks(checking.leased)
  if (checking.callers) metrics.callers(checking.callers)

  const accounts = createAccounts(database, reads, afterCommit, acknowledged, config.incidentApprovalAbove)

  return {
    config,
    log,
    deadlineMs,
    pools,
    database,
    reads,
    fence,
    metrics,
    lastSeen,
    barrier,
    acknowledged,
    afterCommit,
    checking,
    watch,
    sessions: metrics.instrumentSessions(createSessions(database, lastSeen, afterCommit, isStaff)),
    places: createPlaces(config.geoipDatabase, log),
    keys: metrics.instrumentKeys(createKeys(database, log)),
    accounts,
    acknowledgeReplays: createAcknowledge(database),
    personalData: {
      exportUser: createExportUser(database),
      eraseUser: createEraseUser(database, accounts, afterCommit),
    },
    incidents: createIncidents(
      database,
      afterCommit,
      acknowledged,
      { approvalAbove: config.incidentApprovalAbove },
      reads,
    ),
    audit: createAudit(database, reads),
    overview: createOverview(database, reads),
    replays,
    feed: track(createFeed({ read: (from, upper) => readFeed(pools.feed.query, from, upper) }, listener)),
    /** Makes `close` end something, before everything that was tracked earlier. */
    track,
    /** Ends jobs, services and pools in reverse order. @throws AggregateError when steps failed. */
    close: () => cleanup.run(),
  }
}
