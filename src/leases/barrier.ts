/**
 * Revocation barrier. `wait(xid)` resolves once no instance can answer "valid" from its cache for the sessions that the
 * transaction ended. An instance that has not acknowledged is waited for until its lease expires (3.3 s). Lost
 * notifications, hanging instances and database outages make it slower, never wrong.
 */

import { unavailable } from '../errors.ts'
import { batch } from '../lib/batch.ts'
import { every, type Loop } from '../lib/every.ts'
import type { Log } from '../lib/log.ts'
import { REAL_TIME, type Time } from '../lib/sleep.ts'
import { GATHER_MS, MOST_LAGGING, WAIT_MS } from './lease.ts'
import type { Carried, InstanceStatus, Revocation } from './queries.ts'

/** Pause between two polls, in milliseconds: doubled from the first to the last. */
const FIRST_PAUSE_MS = 1
const LAST_PAUSE_MS = 50
/** Most instances whose heartbeats are remembered: only the process that reaps forgets those that are gone. */
const MOST_SEEN = 10_000
/** Milliseconds between two runs of the reaper. */
const REAP_MS = 5_000

export interface BarrierStore {
  /** For each transaction, the instances that have not acknowledged it, `MOST_LAGGING` at most. Reads after the call. */
  laggingInstances(revocations: Revocation[]): Promise<InstanceStatus[][]>
  /** Every instance. */
  instances(): Promise<InstanceStatus[]>
  /**
   * Notifies instances and readers of the feed of transactions that are committed. May fail, and notifications may be lost.
   * @returns what the notification carries: at least these transactions, and all that was committed before them; null if nothing.
   */
  notify(xids: string[]): Promise<Carried | null>
  /** Removes an instance whose last heartbeat is older than any lease. */
  removeDeadInstance(dead: InstanceStatus): Promise<void>
}

export interface BarrierOptions {
  time?: Time
  /** Called with the duration of each `wait`, in milliseconds. */
  onWait?: (ms: number) => void
}

export type Barrier = ReturnType<typeof createBarrier>

export function createBarrier(
  store: BarrierStore,
  { time = REAL_TIME, onWait = () => {} }: BarrierOptions = {},
) {
  const { clock, sleep } = time
  /** The last heartbeat of each instance, and when this process first saw it. */
  const seen = new Map<string, { beat: number; since: number }>()
  const limits = { waiting: 100_000, waitMs: WAIT_MS, refusal: unavailable }
  const readLagging = batch(store.laggingInstances, { ...limits, inFlight: 2, size: 1_000 }, time)
  async function notifyOf(revocations: Revocation[]): Promise<void> {
    const carried = await store.notify(revocations.map(({ xid }) => xid))
    for (const revocation of revocations) revocation.carried = carried
  }
  const notifyGathered = async (revocations: Revocation[]) => {
    await Promise.all([notifyOf(revocations), sleep(GATHER_MS)])
    return revocations
  }
  const notify = batch(notifyGathered, { ...limits, inFlight: 1, size: 100_000 }, time)

  /** Whether an instance may still hold a lease. `sentAt` is when the query that read its row was sent. */
  function mayHoldLease({ id, beat }: InstanceStatus, sentAt: number): boolean {
    const before = seen.get(id)
    if (before?.beat !== beat) {
      // Forgotten ones are waited for longer.
      if (seen.size >= MOST_SEEN) seen.clear()
      seen.set(id, { beat, since: clock() })
      return true
    }
    return sentAt - before.since < WAIT_MS
  }

  /** The result within `ms` milliseconds; null when it comes later or fails. */
  async function within<T>(ms: number, result: Promise<T>): Promise<T | null> {
    const done = new AbortController()
    const timeout = sleep(ms, done.signal).then(
      () => null,
      () => null,
    )
    return await Promise.race([result.catch(() => null), timeout]).finally(() => done.abort())
  }

  /** Removes the instances that have sent no heartbeat for longer than a lease. */
  async function reapDeadInstances(): Promise<void> {
    const sentAt = clock()
    const instances = await store.instances()
    for (const id of seen.keys()) if (!instances.some((row) => row.id === id)) seen.delete(id)
    for (const row of instances) if (!mayHoldLease(row, sentAt)) await store.removeDeadInstance(row)
  }

  /** Polls until no lagging instance can hold a lease. @returns whether one poll was not enough. */
  async function waitForInstances(revocation: Revocation): Promise<boolean> {
    const end = clock() + WAIT_MS
    for (let polls = 0, pause = FIRST_PAUSE_MS; ; polls++, pause = Math.min(2 * pause, LAST_PAUSE_MS)) {
      const sentAt = clock()
      if (sentAt >= end) return true
      const lagging = await within(end - sentAt, readLagging(revocation))
      const holding = lagging?.filter((row) => mayHoldLease(row, sentAt)).length
      // A full list may lack one that holds a lease.
      if (holding === 0 && lagging && lagging.length < MOST_LAGGING) return polls > 0
      await sleep(Math.min(pause, end - sentAt))
    }
  }

  return {
    /**
     * Waits after the commit of a transaction that revoked. Never rejects.
     * @param xid the id of that transaction.
     * @returns milliseconds waited, or null when the first poll found no lagging instance.
     */
    async wait(xid: string): Promise<number | null> {
      const start = clock()
      const revocation: Revocation = { xid, carried: null }
      // Not awaited: without it, readers of the feed poll at most half a second later.
      void notify(revocation).catch(() => {})
      const waited = await waitForInstances(revocation)
      onWait(clock() - start)
      return waited ? Math.round(clock() - start) : null
    },
    reapDeadInstances,
  }
}

/** Removes dead instances every 5 s, so that a logout seldom has to wait for one. */
export function startInstanceReaper(barrier: Pick<Barrier, 'reapDeadInstances'>, log: Log): Loop {
  return every({ ms: REAP_MS, log, failed: 'reaping dead instances failed' }, barrier.reapDeadInstances)
}
