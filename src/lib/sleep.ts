/**
 * Sleeps that can end early: when a signal is aborted, or when `wake` is called. An early end is not an error. Nothing of Node:
 * `@global-logout/client` bundles this module.
 */

/** Resolves after `ms` milliseconds, or when `signal` is aborted. */
export function sleep(ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((done) => {
    const over = () => {
      clearTimeout(timer)
      signal?.removeEventListener('abort', over)
      done()
    }
    const timer = setTimeout(over, ms)
    signal?.addEventListener('abort', over)
    if (signal?.aborted) over()
  })
}

/** A clock in milliseconds, and a sleep by it. */
export interface Time {
  clock(): number
  sleep(ms: number, signal?: AbortSignal): Promise<unknown>
}

/** The time of this process. */
export const REAL_TIME: Time = { clock: () => performance.now(), sleep }

/** A sleep for one caller at a time. `wake` ends it, and does nothing while there is no sleep. */
export function createWakeableSleep(within: Time['sleep'] = sleep) {
  let end = new AbortController()
  return {
    async sleep(ms: number): Promise<void> {
      end = new AbortController()
      await within(ms, end.signal)
    },
    wake: () => end.abort(),
  }
}
