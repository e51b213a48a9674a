/** The pools of one serving process, by purpose. A connection opens when it is first needed. */
import { DEADLINE_MS } from './database.ts'

export interface PoolSettings {
  /** Most connections. */
  max: number
  /** Milliseconds after which a call fails with a 503, the wait for a connection included. */
  deadlineMs: number
  /** The purpose, as in docs/operations.md. */
  use: string
}

/** Milliseconds. Together with the longest wait for a query (check/checker.ts) below the promised 2 seconds. */
const CHECK_DEADLINE_MS = 1_000

export const POOLS = {
  requests: { max: 10, deadlineMs: DEADLINE_MS, use: 'sign-in, logout, pages, staff and background writes' },
  checks: { max: 4, deadlineMs: CHECK_DEADLINE_MS, use: 'checks that memory does not answer' },
  waits: {
    max: 3,
    deadlineMs: CHECK_DEADLINE_MS,
    use: 'logouts that wait until no instance answers from memory',
  },
  lease: { max: 1, deadlineMs: CHECK_DEADLINE_MS, use: 'the lease of this instance' },
  feed: { max: 3, deadlineMs: CHECK_DEADLINE_MS, use: 'the feed of revocations' },
  incidents: { max: 4, deadlineMs: DEADLINE_MS, use: 'incidents under way, and the search for more' },
} as const satisfies Record<string, PoolSettings>

export type PoolName = keyof typeof POOLS

/** The LISTEN connection belongs to no pool. */
const LISTENERS = 1

/** Most connections of one serving process. */
export const CONNECTIONS = Object.values(POOLS).reduce((sum, { max }) => sum + max, LISTENERS)

/** Calls `make` for each pool. @returns the results, by name. */
export function forEachPool<T>(make: (name: PoolName, settings: PoolSettings) => T): Record<PoolName, T> {
  const entries = Object.entries(POOLS).map(([name, settings]) => [name, make(name as PoolName, settings)])
  return Object.fromEntries(entries) as Record<PoolName, T>
}
