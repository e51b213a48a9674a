/** Waits with a limit and a name: a test that waits in vain fails and says for what, instead of hanging. */
import { type EventEmitter, once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'

/** The limit of one wait, enough for a loaded machine. In milliseconds. */
export const PATIENCE_MS = 60_000
/**
 * The pauses between two evaluations of a condition, increasing, so that a long wait costs little. In
 * milliseconds.
 */
const PAUSE_MS = { first: 2, last: 25 }

/** @throws Error naming `what` if it has not settled after `ms`. */
export async function within<T>(what: string, wait: Promise<T>, ms = PATIENCE_MS): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, fail) => {
    timer = setTimeout(() => fail(new Error(`${what}: not within ${ms / 1000} seconds`)), ms)
  })
  return await Promise.race([wait, late]).finally(() => clearTimeout(timer))
}

/**
 * Evaluates `condition` until it holds.
 * @returns its result then.
 * @throws Error naming `what` if it does not hold after `ms`; the error of `condition` if it throws.
 */
export async function waitFor<T>(
  what: string,
  condition: () => T | Promise<T>,
  ms = PATIENCE_MS,
): Promise<Exclude<T, false | null | undefined>> {
  let over = false
  const held = async () => {
    for (let pause = PAUSE_MS.first; !over; pause = Math.min(2 * pause, PAUSE_MS.last)) {
      const found = await condition()
      if (found) return found as Exclude<T, false | null | undefined>
      await sleep(pause)
    }
    throw new Error(`${what}: given up`)
  }
  return await within(what, held(), ms).finally(() => {
    over = true
  })
}

/**
 * @param names the events of which the first counts; `error` fails the wait, unless it is one of them.
 * @returns the arguments of the event.
 * @throws Error naming `what` if none has come after `ms`.
 */
export async function nextEvent(what: string, from: EventEmitter, names: string | string[], ms?: number) {
  const over = new AbortController()
  const events = [names].flat().map((name) => once(from, name, { signal: over.signal }))
  return await within(what, Promise.race(events), ms).finally(() => over.abort())
}
