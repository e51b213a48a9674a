/**
 * The callers of an instance: what each has applied, until when it holds a lease, and which get none because revocations had to wait
 * for them. Pure: callers of these functions pass in every time, in milliseconds.
 */
import { type CallerKey, createKeyLimits, type Limited } from './key-limits.ts'
import { LEASE_MS } from './lease.ts'
import { type createRecent, KEPT_MS } from './recent.ts'

export interface Caller {
  key: CallerKey | undefined
  /** How many changes of this generation it has applied. */
  applied: number
  /** When its lease has ended, and until when it gets no other. */
  end: number
  suspendedUntil: number
}

export interface SuspensionEvents {
  /** A caller is suspended. */
  onSuspended?: (caller: string, key: string) => void
  /** A key gets fewer leases from now on. */
  onKeySuspended?: (key: string, which: Limited) => void
}

/**
 * @param recent what was revoked in this generation.
 * @param suspendedMs how long a caller with a key gets no lease after it let a revocation wait. 0: its key does not suffer, either.
 */
export function createCallers(
  recent: ReturnType<typeof createRecent>,
  suspendedMs: number,
  { onSuspended = () => {}, onKeySuspended = () => {} }: SuspensionEvents,
) {
  const callers = new Map<string, Caller>()
  const keys = createKeyLimits()
  const holds = (caller: Caller | undefined, now: number) => caller !== undefined && now < caller.end

  /** Whether a caller let a change wait until its lease ended, or for as long as a lease. */
  function letWait({ applied, end }: Caller, now: number): boolean {
    const change = recent.after(applied)
    if (!change || change.at >= end) return false
    // One that renews and never applies is no better than one that hangs.
    return end <= now || change.at + LEASE_MS <= now
  }

  /** @returns whether it was known. */
  function forget(id: string): boolean {
    const key = callers.get(id)?.key
    if (key) key.callers--
    return callers.delete(id)
  }

  function suspendIfSick(id: string, caller: Caller, now: number): void {
    if (caller.key === undefined || !letWait(caller, now)) return
    if (suspendedMs > 0 && caller.suspendedUntil <= now) {
      const { key } = caller
      onSuspended(id, key.name)
      const which = keys.delay(key, id, now)
      if (which) onKeySuspended(key.name, which)
    }
    caller.suspendedUntil = Math.min(caller.end, now) + suspendedMs
  }

  return {
    suspendIfSick,
    forget,
    get: (id: string): Caller | undefined => callers.get(id),

    /** Of another generation: its row stays while they hold its leases. What is known of keys stays, too. */
    forgetAll(): void {
      for (const id of callers.keys()) forget(id)
    },

    /** Called at each read of revocations. */
    review(now: number): void {
      for (const [id, caller] of callers) {
        suspendIfSick(id, caller, now)
        if (caller.end < now - KEPT_MS) forget(id)
      }
    },

    /** Why a caller gets no lease; null when it does. @param name of its key. */
    refusal(
      id: string,
      name: string | undefined,
      now: number,
    ): 'suspended' | 'key_suspended' | 'too_many' | null {
      const known = callers.get(id)
      if (known && (now < known.suspendedUntil || (holds(known, now) && letWait(known, now))))
        return 'suspended'
      const key = name === undefined ? undefined : keys.find(name)
      if (key && keys.limitedMs(key, holds(known, now), now) > 0) return 'key_suspended'
      return known || keys.hasRoom(key, callers.size) ? null : 'too_many'
    },

    /** How long a caller of this key that is suspended, or whose key is, should wait before it asks again. */
    suspendedFor(id: string, name: string, now: number): number {
      const own = (callers.get(id)?.suspendedUntil ?? 0) - now
      return Math.max(0, own, Math.min(suspendedMs, keys.limitedMs(keys.find(name), false, now)))
    },

    /** It holds a lease from now on. One that held none has applied all when it has applied the answer. */
    lend(id: string, name: string | undefined, end: number, now: number): void {
      const known = callers.get(id)
      const key = known?.key ?? (name === undefined ? undefined : keys.find(name))
      if (!known && key) key.callers++
      const applied = known && holds(known, now) ? known.applied : recent.total()
      callers.set(id, { key, applied, end, suspendedUntil: now })
    },

    /** Those that hold a lease. */
    holders: (now: number): Caller[] => [...callers.values()].filter((caller) => holds(caller, now)),
  }
}
