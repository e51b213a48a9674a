/** Sleeps that can end early: when a signal is aborted, or when `wake` is called. An early end is not an error. */
import { setTimeout } from 'node:timers/promises'

/** Resolves after `ms` milliseconds, or when `signal` is aborted. */
export async function sleep(ms: number, signal?: AbortSignal): Promise<void> {
  await setTimeout(ms, undefined, { signal }).catch(() => {})
}

/** A sleep for one caller at a time. `wake` ends it, and does nothing while there is no sleep. */
export function createWakeableSleep() {
  let end = new AbortController()
  return {
    sleep(ms: number): Promise<void> {
      end = new AbortController()
      return sleep(ms, end.signal)
    },
    wake: () => end.abort(),
  }
}
