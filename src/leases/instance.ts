/**
 * The life of a process that answers from memory: it joins, renews its lease, forgets what was revoked, and leaves.
 * Whatever fails ends the lease at once, and life begins again with an empty memory. No timer decides: timers only
 * say when to try, and every answer compares the clock.
 */
import { createWakeableSleep } from '../lib/sleep.ts'
import { RENEW_MS } from './lease.ts'
import type { News } from './queries.ts'

/** Pause before life begins again, in milliseconds. */
const RETRY_MS = 500

/** What an instance does in PostgreSQL. Each resolves after its commit; each rejects when it cannot tell. */
export interface InstanceStore {
  add(id: string): Promise<void>
  /** @returns false when there is no such row. */
  beat(id: string): Promise<boolean>
  news(last: string | null): Promise<News>
  applied(id: string, snapshot: string): Promise<void>
  remove(id: string): Promise<void>
}

/** The cache that answers under the lease, as far as its lease goes. Times are milliseconds on the lease clock. */
export interface LeasedCache {
  /** Begins a generation: empty, without a lease. */
  begin(): void
  /** Removes hashed tokens; null for all. */
  forget(tokens: readonly string[] | null): void
  /** Holds the lease, counted from `sentAt`. @returns false when the lease before has expired. */
  extend(sentAt: number, now: number): boolean
  /** Ends lease and generation. */
  lapse(): void
}

export type Instance = ReturnType<typeof createInstance>

/** The steps of one life. They are for one caller, who waits for each to end before the next. */
export function createInstance(store: InstanceStore, memory: LeasedCache, clock: () => number) {
  let id = ''
  let last: News

  /** Forgets what was revoked since. @returns false when the database is not the one it was. */
  async function catchUp(): Promise<boolean> {
    const news = await store.news(last.snapshot)
    if (news.world !== last.world) return false
    memory.forget(news.tokens)
    last = news
    return true
  }

  return {
    /** Only when the first snapshot is in does anything count: what was read before it is not kept. */
    async join(): Promise<void> {
      id = crypto.randomUUID()
      await store.add(id)
      last = await store.news(null)
      memory.begin()
    },

    /**
     * Extends the lease, counted from before the beat: no lease is granted from a snapshot older than its beat.
     * @returns false when it must join again.
     */
    async renew(): Promise<boolean> {
      const sentAt = clock()
      if (!(await store.beat(id))) return false
      if (!(await catchUp())) return false
      if (!memory.extend(sentAt, clock())) return false
      await store.applied(id, last.snapshot)
      return true
    },

    /** Forgets early, and says so. Extends nothing. @returns false when it must join again. */
    async wake(): Promise<boolean> {
      if (!(await catchUp())) return false
      await store.applied(id, last.snapshot)
      return true
    },

    /** Stops answering from memory, then says so. */
    async leave(): Promise<void> {
      memory.lapse()
      if (id) await store.remove(id)
    },
  }
}

export interface Events {
  /** A life begins: what is read from now on may be kept, so it must come from the database as it is now. */
  joining(): void
  /** Its first lease is there. */
  leased(): void
  /**
   * A life ended by failure; another begins. Null: the lease ran out before its renewal came, or the database changed,
   * or forgot us.
   */
  lapsed(error: unknown): void
}

/** Keeps a lease until closed. */
export function keepLease(instance: Instance, clock: () => number, on: Events) {
  let closing = false
  let woken = false
  const pause = createWakeableSleep()

  async function live(): Promise<void> {
    on.joining()
    await instance.join()
    let going = await instance.renew()
    if (going) on.leased()
    for (let renewAt = clock() + RENEW_MS; going && !closing; ) {
      if (clock() >= renewAt) {
        renewAt = clock() + RENEW_MS
        woken = false
        going = await instance.renew()
      } else if (woken) {
        woken = false
        going = await instance.wake()
      } else await pause.sleep(renewAt - clock())
    }
  }

  async function run(): Promise<void> {
    while (!closing) {
      await live().then(
        () => closing || on.lapsed(null),
        (error) => on.lapsed(error),
      )
      await instance.leave().catch(() => {})
      if (!closing) await pause.sleep(RETRY_MS)
    }
  }

  const running = run()
  return {
    /** Something was revoked, perhaps. */
    wake(): void {
      woken = true
      pause.wake()
    },
    /** Stops answering from memory, then removes the row. */
    async close(): Promise<void> {
      closing = true
      pause.wake()
      await running
    },
  }
}
