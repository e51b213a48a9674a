/**
 * What the callers of one service key may take of an instance. A stolen or broken key can make up a new caller for each request: then the
 * suspension of a caller stops nothing. So a key gets fewer leases, too, while different callers of it let revocations wait, and it
 * has a part of the places only. Pure: callers pass in every time.
 */
import { RENEW_MS, WAIT_MS } from './lease.ts'

/** Most callers of an instance, and of one key: a quarter, so that a key leaves room for others. */
const MOST_CALLERS = { all: 10_000, ofKey: 2_500 }
/** How long a delay counts, in milliseconds. */
const COUNTS_MS = 5 * 60_000
/** With so many delays, the key gets no lease for callers that hold none; or for any. */
const MOST_DELAYS = { new: 3, all: 10 }
/**
 * Leases whose ends are found this close together made the same revocations wait, which counts once: all processes of a service may lose
 * their power at once. In milliseconds.
 */
const ONCE_MS = WAIT_MS + RENEW_MS

export interface CallerKey {
  readonly name: string
  callers: number
  /** The last ones, one of each caller: a single one that is sick harms no other. */
  delays: readonly { caller: string; at: number }[]
}

/** Which callers of a key get no lease any more: those that hold none, or all. */
export type Limited = keyof typeof MOST_DELAYS

export function createKeyLimits() {
  const keys = new Map<string, CallerKey>()

  function limitedMs({ delays }: CallerKey, which: Limited, now: number): number {
    const decisive = delays.at(-MOST_DELAYS[which])
    return decisive ? Math.max(0, decisive.at + COUNTS_MS - now) : 0
  }

  function limited(key: CallerKey, now: number): Limited | null {
    if (limitedMs(key, 'new', now) === 0) return null
    return limitedMs(key, 'all', now) > 0 ? 'all' : 'new'
  }

  return {
    /** The key of this name: keys of one name are taken for one. */
    find(name: string): CallerKey {
      const key = keys.get(name) ?? { name, callers: 0, delays: [] }
      keys.set(name, key)
      return key
    },

    /** A caller of the key let revocations wait. @returns whom the key gets no leases for from now on; null when that stays as it was. */
    delay(key: CallerKey, caller: string, now: number): Limited | null {
      const last = key.delays.at(-1)
      if (last && now < last.at + ONCE_MS) return null
      const before = limited(key, now)
      const others = key.delays.filter((each) => each.caller !== caller)
      key.delays = [...others, { caller, at: now }].slice(-MOST_DELAYS.all)
      const after = limited(key, now)
      return after === before ? null : after
    },

    /** How long a caller of the key gets no lease on account of the others, in milliseconds. @param holds whether it holds one. */
    limitedMs: (key: CallerKey, holds: boolean, now: number): number =>
      limitedMs(key, holds ? 'all' : 'new', now),

    /** Whether there is room for one more caller. @param callers of all keys. */
    hasRoom: (key: CallerKey | undefined, callers: number): boolean =>
      callers < MOST_CALLERS.all && (key?.callers ?? 0) < MOST_CALLERS.ofKey,
  }
}
