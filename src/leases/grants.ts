/**
 * The granting side of leases for callers. An instance lends each caller a part of its own lease, so that the caller answers checks in
 * its own process. It acknowledges in PostgreSQL only what its callers have applied, too: so a logout waits for callers without knowing
 * of them, and no longer than for their instance. Pure: the transport and the clock are passed in.
 */
import { type Caller, createCallers, type SuspensionEvents } from './callers.ts'
import type { LeasedCache } from './instance.ts'
import { HELD_MS, RATE_ERROR } from './lease.ts'
import type { CallerLease, Cursor, LeaseRequest } from './messages.ts'
import { createRecent } from './recent.ts'

/** What a caller asks, or a worker, whatever the transport. */
export interface GrantRequest
  extends Pick<LeaseRequest, 'caller' | 'cursor'>,
    Partial<Pick<LeaseRequest, 'instance'>> {
  /** The name of the key of a caller over HTTP, whose id comes after that of its key. A worker of this machine has none, and is never suspended. */
  key?: string
}

/**
 * Why no lease is granted: the caller holds one of another instance, the instance has none of its own, the caller let a revocation wait,
 * several callers of its key did, or there are too many callers.
 */
export type Refusal = 'other_instance' | 'no_lease' | 'suspended' | 'key_suspended' | 'too_many'

export interface GrantOptions extends SuspensionEvents {
  /** How long a caller with a key gets no lease after it let a revocation wait for the end of its lease, in milliseconds. */
  suspendedMs?: number
  /** It lends only once a caller has come, and then from its next read on: it has to read now. Without this it always lends. */
  onFirstCaller?: () => void
  /** Revocations were applied here: callers should renew. */
  onChange?: () => void
  /** Callers have applied more: `acknowledged` has changed. */
  onApplied?: () => void
}

export type Grants = ReturnType<typeof createGrants>

/**
 * Stands between an instance and its own cache, if it has one.
 * @param clock of the lease of the instance, which may run ahead of the truth (`leaseClock`).
 * @param callerClock of the leases of callers, on other machines: it never runs ahead, so that none counts as ended too early.
 */
export function createGrants(
  cache: LeasedCache | null,
  clock: () => number,
  callerClock: () => number,
  {
    suspendedMs = 30_000,
    onFirstCaller,
    onChange = () => {},
    onApplied = () => {},
    ...events
  }: GrantOptions = {},
) {
  /** The id of this generation. */
  let instance = ''
  const recent = createRecent()
  let leaseUntil = Number.NEGATIVE_INFINITY
  const callers = createCallers(recent, suspendedMs, events)
  /** Notices that were applied are in no change: after them only what a read has shown may be lent. */
  let lends: 'no' | 'asked' | 'yes' = 'no'
  let turn: PromiseWithResolvers<void> | null = null
  /** How many changes all holders had applied when it was acknowledged last, and how many of them no more. */
  let least = 0
  let behind = 0

  /** Resolves when the lease is extended or over, and when something was revoked. */
  function next(): Promise<void> {
    turn ??= Promise.withResolvers()
    return turn.promise
  }

  function endTurn(): void {
    turn?.resolve()
    turn = null
  }

  const isOther = (held: string | null | undefined) => Boolean(held) && held !== instance

  /** Notes what a caller has applied. */
  function note(id: string, applied: number | null, now: number): Caller | undefined {
    const known = callers.get(id)
    if (!known) return undefined
    callers.suspendIfSick(id, known, now)
    if (applied !== null && applied > known.applied) {
      const wasLast = known.applied <= least && --behind <= 0
      known.applied = applied
      if (wasLast) onApplied()
    }
    return known
  }

  return {
    begin(first: Cursor): void {
      cache?.begin(first)
      instance = crypto.randomUUID()
      recent.begin(first)
      leaseUntil = Number.NEGATIVE_INFINITY
      lends = onFirstCaller ? 'no' : 'yes'
      callers.forgetAll()
      least = 0
      behind = 0
      endTurn()
    },

    evict(tokens: readonly string[] | null, snapshot: string | null): void {
      cache?.evict(tokens, snapshot)
      if (snapshot === null) return
      const now = callerClock()
      const revoked = recent.add(tokens, snapshot, now)
      callers.review(now)
      if (revoked) onChange()
      if (revoked || lends === 'asked') endTurn()
      if (lends === 'asked') lends = 'yes'
    },

    extend(sentAt: number, now: number): boolean {
      const expired = leaseUntil > Number.NEGATIVE_INFINITY && leaseUntil <= now
      if (expired || cache?.extend(sentAt, now) === false) return false
      leaseUntil = sentAt + HELD_MS
      endTurn()
      return true
    },

    lapse(): void {
      cache?.lapse()
      leaseUntil = Number.NEGATIVE_INFINITY
      endTurn()
    },

    acknowledged(): string {
      const holders = callers.holders(callerClock())
      least = Math.min(recent.total(), ...holders.map(({ applied }) => applied))
      behind = holders.filter(({ applied }) => applied === least).length
      return recent.shows(least)
    },

    outlived: (): boolean => callers.holders(callerClock()).length > 0,

    lends: () => lends !== 'no',

    /** What this instance has applied; null before its first snapshot. What it answers from now on shows all of it. */
    get cursor(): Cursor | null {
      return recent.cursor
    },

    /** Resolves once it lends, if it has a lease, and may lend to this caller. */
    async ready({ instance: held }: Pick<GrantRequest, 'instance'>): Promise<void> {
      if (lends === 'yes' || isOther(held) || clock() >= leaseUntil) return
      if (lends === 'no') {
        lends = 'asked'
        onFirstCaller?.()
      }
      await next()
    },

    /** Notes what the caller has applied. Resolves when there is something to tell it: a longer lease, or revocations. */
    async news(request: GrantRequest): Promise<void> {
      const now = callerClock()
      const applied = recent.countIn(request.cursor)
      const known = request.instance === instance && note(request.caller, applied, now)
      const waits = known && clock() < leaseUntil && now < known.end && known.suspendedUntil <= now
      if (waits && applied === recent.total()) await next()
    },

    /** Grants a lease, and notes what the caller has applied. */
    grant({ caller: id, key, instance: held, ...request }: GrantRequest): CallerLease | Refusal {
      if (isOther(held)) return 'other_instance'
      const left = leaseUntil - clock()
      const now = callerClock()
      const { cursor } = recent
      if (left <= 0 || lends !== 'yes' || !cursor) return 'no_lease'
      const applied = recent.countIn(request.cursor)
      // It has left since it asked.
      if (!note(id, applied, now) && held) return 'no_lease'
      const refusal = callers.refusal(id, key, now)
      if (refusal) return refusal
      callers.lend(id, key, now + left, now)
      return { instance, cursor, revoked: recent.tokensAfter(applied), ms: left * (1 - 2 * RATE_ERROR) }
    },

    /** How long a caller that is suspended, or whose key is, should wait before it asks again, in milliseconds. */
    suspendedFor: (id: string, key: string): number => callers.suspendedFor(id, key, callerClock()),

    /** How many callers with a key hold a lease. */
    holders: (): number => callers.holders(callerClock()).filter(({ key }) => key !== undefined).length,

    /** The caller answers nothing any more. @param held the instance that lent, if it names one. @returns false where that is another one. */
    leave(id: string, held: string | null = null): boolean {
      if (held && held !== instance) return false
      if (callers.forget(id)) onApplied()
      return true
    },
  }
}
