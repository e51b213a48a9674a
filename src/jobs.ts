/** The background jobs of a serving process, and those that one process does for its machine. `services.close` ends them. */
import { startInstanceReaper } from './leases/barrier.ts'
import { startSnapshotWatch } from './observability/snapshot-watch.ts'
import { startStandbyWatch } from './observability/standby-watch.ts'
import type { Services } from './services.ts'
import { startSweeper } from './sessions/sweeper.ts'
import { createAnnouncer } from './staff/audit/announce.ts'
import { readChainHead } from './staff/audit/chain.ts'
import { startSealer } from './staff/audit/sealer.ts'
import { startIncidentRunner } from './staff/incidents/runner.ts'

type Start = (services: Services) => { close(): Promise<unknown> }

/** Background jobs of every serving process. */
const JOBS = {
  metrics: ({ metrics }) => metrics.start(),
  lease: ({ checking }) => checking.start(),
  servers: ({ watch }) => watch?.start() ?? { close: async () => {} },
} satisfies Record<string, Start>

/** Background jobs that one process does for its machine. Other machines have one, too: each job takes turns in the database. */
const MACHINE_JOBS = {
  reaper: ({ barrier, log }) => startInstanceReaper(barrier, log),
  sweeper: ({ pools, config, metrics, log }) => {
    const { revocationRetentionSeconds: retentionSeconds, addressRetentionSeconds } = config
    const sweeper = startSweeper(pools.jobs, { retentionSeconds, addressRetentionSeconds }, log)
    metrics.sweep(sweeper.counts)
    return sweeper
  },
  snapshots: ({ pools, metrics, log }) => {
    const watch = startSnapshotWatch(pools.jobs, log)
    metrics.snapshots(watch.ages)
    return watch
  },
  standbys: ({ pools, metrics, log }) => {
    const watch = startStandbyWatch(pools.jobs, log)
    metrics.standbys(watch.counts)
    return watch
  },
  incidents: ({ pools, barrier, log }) => {
    const { withOwnConnection } = pools.incidents
    return startIncidentRunner({ withOwnConnection, run: pools.jobs.run }, barrier, log)
  },
  sealer: ({ pools, database, acknowledged, metrics, log }) => {
    const { announce, counts } = createAnnouncer(pools.jobs, log)
    metrics.operations(counts)
    return startSealer(pools.jobs, log, {
      async sealed(links) {
        await announce(links)
        // Fenced: the head of a server that is not admitted yet is none that this process relies on.
        acknowledged.noteHead(await readChainHead(database))
      },
    })
  },
} satisfies Record<string, Start>

export type Job = keyof typeof JOBS | keyof typeof MACHINE_JOBS

export interface JobOptions {
  /** Whether this process does the jobs of its machine, too. */
  leads?: boolean
  /** Jobs that a test runs itself, step by step. */
  except?: readonly Job[]
}

/** Starts the background jobs; `services.close` ends them. */
export function startJobs(services: Services, { leads = true, except = [] }: JobOptions = {}): void {
  const jobs: Record<string, Start> = leads ? { ...JOBS, ...MACHINE_JOBS } : JOBS
  for (const [name, start] of Object.entries(jobs))
    if (!except.includes(name as Job)) services.track(start(services))
}
