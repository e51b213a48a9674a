/** Runs background work at an interval. Runs never overlap; a failed run is logged and repeated at the next interval. */
import type { Log } from './log.ts'

export interface EveryOptions {
  /** Milliseconds between two starts. A start is skipped while a run is in progress. */
  ms: number
  log: Log
  /** The log message of a failed run. */
  failed: string
}

export interface Loop {
  /** Runs once more, after the run in progress. Resolves when that run has ended. Never rejects. */
  run(): Promise<void>
  /** Stops the timer. Resolves when the run in progress has ended. */
  close(): Promise<void>
}

/** Runs `work` until closed, first after one interval. The timer does not keep the process alive. */
export function every({ ms, log, failed }: EveryOptions, work: () => Promise<unknown>): Loop {
  let pending = 0
  let last = Promise.resolve()

  function run(): Promise<void> {
    pending++
    last = last
      .then(work)
      .catch((err) => log.warn({ err }, failed))
      .then(() => {
        pending--
      })
    return last
  }

  const timer = setInterval(() => {
    if (pending === 0) void run()
  }, ms).unref()

  return {
    run,
    close: () => {
      clearInterval(timer)
      return last
    },
  }
}
