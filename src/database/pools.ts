/**
 * The pools of one serving process, by purpose. A connection opens when it is first needed, and closes after ten seconds without use.
 * Where DATABASE_DIRECT_URL is set, a pool that needs a session of PostgreSQL uses it, and the others go through the pooler at
 * DATABASE_URL.
 */
import { DEADLINE_MS } from './calls.ts'

export interface PoolSettings {
  /** Most connections. */
  max: number
  /** Milliseconds after which a call fails with a 503, the wait for a connection included. */
  deadlineMs: number
  /** The purpose, as in docs/operations.md. */
  use: string
  /**
   * Whether it goes past the pooler: always, or only where checks are answered from memory. A cached answer must come from the very
   * server that granted the lease, and a pooler may lead elsewhere.
   */
  direct?: 'always' | 'leased'
  /** As of the connector. */
  genericPlans?: boolean
  /** Whether its answers need a lease in leased mode. */
  fenced?: boolean
  /** Whether one process uses it for its whole machine. */
  machine?: boolean
}

/** Milliseconds. Together with the longest wait for a query (check/checker.ts) below the promised 2 seconds. */
const CHECK_DEADLINE_MS = 1_000

export const POOLS = {
  requests: {
    max: 5,
    deadlineMs: DEADLINE_MS,
    use: 'sign-in, logout, pages, staff and activity updates',
    fenced: true,
  },
  checks: {
    max: 3,
    deadlineMs: CHECK_DEADLINE_MS,
    use: 'checks that memory does not answer',
    direct: 'leased',
    genericPlans: true,
    fenced: true,
  },
  waits: {
    max: 2,
    deadlineMs: CHECK_DEADLINE_MS,
    use: 'logouts that wait until no instance answers from memory',
    // On another server, rows of instances may be missing.
    fenced: true,
  },
  lease: {
    max: 1,
    deadlineMs: CHECK_DEADLINE_MS,
    use: 'the lease of this machine',
    direct: 'always',
    machine: true,
  },
  feed: { max: 1, deadlineMs: CHECK_DEADLINE_MS, use: 'the feed of revocations', fenced: true },
  jobs: {
    max: 1,
    deadlineMs: DEADLINE_MS,
    use: 'the audit chain, the sweep, dead instances, and the search for incidents',
    machine: true,
  },
  incidents: {
    max: 2,
    deadlineMs: DEADLINE_MS,
    use: 'incidents under way',
    direct: 'always',
    machine: true,
  },
} as const satisfies Record<string, PoolSettings>

export type PoolName = keyof typeof POOLS

/** The LISTEN connection of a machine belongs to no pool, and is always direct. */
const LISTENERS = 1

/** Whether a pool goes past the pooler. */
export const isDirect = (name: PoolName, checkMode: 'database' | 'leased'): boolean => {
  const { direct }: PoolSettings = POOLS[name]
  return direct === 'always' || (direct === 'leased' && checkMode === 'leased')
}

/** Most connections: of each worker, and of each machine besides. */
export interface Connections {
  worker: number
  machine: number
}

function countConnections(counts: (name: PoolName) => boolean): Connections {
  const most: Connections = { worker: 0, machine: LISTENERS }
  for (const [name, { max, machine }] of Object.entries<PoolSettings>(POOLS))
    if (counts(name as PoolName)) most[machine ? 'machine' : 'worker'] += max
  return most
}

export const CONNECTIONS: Connections = countConnections(() => true)

/** Those that go past a pooler. */
export const directConnections = (checkMode: 'database' | 'leased'): Connections =>
  countConnections((name) => isDirect(name, checkMode))

/** Calls `make` for each pool. @returns the results, by name. */
export function forEachPool<T>(make: (name: PoolName, settings: PoolSettings) => T): Record<PoolName, T> {
  const entries = Object.entries(POOLS).map(([name, settings]) => [name, make(name as PoolName, settings)])
  return Object.fromEntries(entries) as Record<PoolName, T>
}
