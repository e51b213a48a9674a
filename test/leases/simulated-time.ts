/** Simulated time, clocks, and random numbers. */
import { RATE_ERROR } from '../../src/leases/lease.ts'
import type { Time } from '../../src/lib/sleep.ts'

export type Events = ReturnType<typeof eventQueue>

/** A clock that is wrong by `rate`, from -1 (slow) to 1 (fast) of the bound. */
export const clockOf = (events: Events, rate: number): Time => ({
  clock: () => 1e6 * (1 + rate) + events.now() * (1 + rate * RATE_ERROR),
  sleep: (ms, signal) => events.wait(ms / (1 + rate * RATE_ERROR), signal),
})

/** Simulated time: a queue of events. Between two events every promise that can settle does. */
export function eventQueue() {
  const queue: { at: number; run: () => void }[] = []
  let now = 0
  function at(time: number, run: () => void): void {
    let place = queue.length
    while (place > 0 && (queue[place - 1]?.at ?? 0) < time) place--
    queue.splice(place, 0, { at: time, run })
  }
  return {
    now: () => now,
    at,
    wait: (ms: number, signal?: AbortSignal) =>
      new Promise<void>((done) => {
        signal?.addEventListener('abort', () => done(), { once: true })
        at(now + ms, done)
      }),
    async run(until: number): Promise<void> {
      for (let next = queue.pop(); next && next.at <= until; next = queue.pop()) {
        now = next.at
        next.run()
        // Enough turns for the longest chain of promises; setImmediate would take four times as long.
        for (let turn = 0; turn < 60; turn++) await null
      }
    },
  }
}

/** A small seeded generator (Tommy Ettinger's mulberry32): numbers in [0, 1). */
export function mulberry32(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }
}
