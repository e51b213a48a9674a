/**
 * Whoever revokes waits here: when `passed` returns, no instance answers "valid" from memory for what the
 * transaction ended. An instance that does not tell that it knows is waited for until its lease is over: a hint
 * that is lost, a process that hangs or a database that went away cost time, never truth.
 */

import { unavailable } from '../errors.ts'
import { batch } from '../lib/batch.ts'
import { every, type Loop } from '../lib/every.ts'
import type { Log } from '../lib/log.ts'
import { sleep } from '../lib/sleep.ts'
import { WAIT_MS } from './lease.ts'
import type { Behind } from './queries.ts'

/** Pauses between two looks, in milliseconds: doubled from the first to the last. */
const FIRST_PAUSE_MS = 1
const LAST_PAUSE_MS = 50
/** How often to look round, in milliseconds. */
const LOOK_MS = 5_000

export interface BarrierStore {
  /** For each transaction, the instances that may not know of it, read after the call. */
  behind(xids: string[]): Promise<Behind[][]>
  /** Every instance. */
  instances(): Promise<Behind[]>
  /** Tells instances, and whoever reads the feed, to look. May fail, may be lost. */
  wake(): Promise<void>
  /** Removes an instance that did not renew for longer than any lease. */
  bury(dead: Behind): Promise<void>
}

/** A clock in milliseconds, and a sleep by it. */
export interface Time {
  clock(): number
  sleep(ms: number, signal?: AbortSignal): Promise<unknown>
}

const REAL_TIME: Time = { clock: () => performance.now(), sleep }

export interface BarrierOptions {
  time?: Time
  /** Is told how long each `passed` took, in milliseconds. */
  onPassed?: (ms: number) => void
}

export type Barrier = ReturnType<typeof createBarrier>

export function createBarrier(
  store: BarrierStore,
  { time: { clock, sleep } = REAL_TIME, onPassed = () => {} }: BarrierOptions = {},
) {
  const seen = new Map<string, { beat: number; since: number }>()
  const readBehind = batch(store.behind, {
    inFlight: 2,
    few: 2,
    size: 1_000,
    waiting: 100_000,
    waitMs: WAIT_MS,
    refusal: unavailable,
  })
  const wake = batch((calls: null[]) => store.wake().then(() => calls), {
    inFlight: 1,
    few: 1,
    size: 100_000,
    waiting: 100_000,
    waitMs: WAIT_MS,
    refusal: unavailable,
  })

  /** Whether an instance read by a query that was sent at `sentAt` may still hold a lease from before it. */
  function mayHold({ id, beat }: Behind, sentAt: number): boolean {
    const before = seen.get(id)
    if (before?.beat !== beat) {
      seen.set(id, { beat, since: clock() })
      return true
    }
    return sentAt - before.since < WAIT_MS
  }

  /** What comes within the time; null when nothing does, or when it fails. */
  async function within<T>(ms: number, coming: Promise<T>): Promise<T | null> {
    const over = new AbortController()
    const late = sleep(ms, over.signal).then(
      () => null,
      () => null,
    )
    return await Promise.race([coming.catch(() => null), late]).finally(() => over.abort())
  }

  /** Looks at all instances, and removes those that have been dead for long enough. */
  async function lookRound(): Promise<void> {
    const sentAt = clock()
    const instances = await store.instances()
    for (const id of seen.keys()) if (!instances.some((row) => row.id === id)) seen.delete(id)
    for (const row of instances) if (!mayHold(row, sentAt)) await store.bury(row)
  }

  /** Looks until nobody may be wrong. @returns whether one look was not enough. */
  async function waitFor(xid: string): Promise<boolean> {
    const end = clock() + WAIT_MS
    for (let looks = 0, pause = FIRST_PAUSE_MS; ; looks++, pause = Math.min(2 * pause, LAST_PAUSE_MS)) {
      const sentAt = clock()
      if (sentAt >= end) return true
      const behind = await within(end - sentAt, readBehind(xid))
      if (behind?.filter((row) => mayHold(row, sentAt)).length === 0) return looks > 0
      await sleep(Math.min(pause, end - sentAt))
    }
  }

  return {
    /**
     * Waits after the commit of a transaction that revoked. Never fails.
     * @returns milliseconds waited, or null when at the first look nobody had to be waited for.
     */
    async passed(xid: string): Promise<number | null> {
      const start = clock()
      // Nobody waits for it: a hint that fails costs those who follow the feed half a second.
      void wake(null).catch(() => {})
      const waited = await waitFor(xid)
      onPassed(clock() - start)
      return waited ? Math.round(clock() - start) : null
    },
    lookRound,
  }
}

/** Looks round every few seconds, so that a dead instance is known to be dead before a logout has to wait for it. */
export function startLookingRound(barrier: Pick<Barrier, 'lookRound'>, log: Log): Loop {
  return every({ ms: LOOK_MS, log, failed: 'dead instances not looked for' }, barrier.lookRound)
}
