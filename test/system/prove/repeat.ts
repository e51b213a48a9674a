/** Repeats a fault until the run is over. */
import { setTimeout as sleep } from 'node:timers/promises'

export async function untilOver(over: () => boolean, work: () => Promise<void>): Promise<number> {
  let times = 0
  for (; !over(); times++) await work()
  return times
}

/** Sleeps for `ms`, or until the run is over. */
export async function unlessOver(over: () => boolean, ms: number): Promise<void> {
  for (const end = performance.now() + ms; !over() && performance.now() < end; )
    await sleep(Math.min(100, Math.max(1, end - performance.now())))
}
