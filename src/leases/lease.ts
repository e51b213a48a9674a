/**
 * How long an instance may answer from its cache: the leases of Gray and Cheriton (SOSP 1989), with PostgreSQL as the only
 * coordinator. Every time is a difference on the clock of one process; the clocks of two machines are never compared.
 * ARCHITECTURE.md has the proof.
 */

/** D, milliseconds: how long an instance may answer from its cache without reading what was revoked. */
export const LEASE_MS = 3_000
/** ρ: the rates of two correct clocks differ by at most this much. */
export const RATE_ERROR = 0.01
/** m, milliseconds: a margin on the wait for leases, beyond what the proof needs. */
const MARGIN_MS = 250
/** Milliseconds between two renewals: a slow renewal still finishes before the lease expires. */
export const RENEW_MS = LEASE_MS / 3
/** Milliseconds in which at most one notification is sent, and at most one wake begins: those in quick succession share it. */
export const GATHER_MS = 20
/** What a holder counts as its lease, in milliseconds: shorter, in case its clock is slow. */
export const HELD_MS = LEASE_MS * (1 - RATE_ERROR)
/** W, milliseconds: after this, every lease granted before has expired, whatever the clocks. */
export const WAIT_MS = LEASE_MS * (1 + 2 * RATE_ERROR) + MARGIN_MS

/** Most instances that are listed for one transaction. With a thousand, each poll would list them all. */
export const MOST_LAGGING = 64

/** Milliseconds: a wall clock that gains more than this on the monotonic clock was not merely adjusted. */
const SUSPENDED_MS = 100

/**
 * A clock for leases, in milliseconds: it never runs backwards, and it counts the time while the machine is suspended.
 * The monotonic clock of Linux stops then, and the wall clock runs ahead by the difference. A wall clock that is set
 * forward counts as a suspension, and costs at most one lease.
 */
export function leaseClock(monotonic = () => performance.now(), wall = () => Date.now()): () => number {
  let suspended = 0
  let least = wall() - monotonic()
  return () => {
    const awake = monotonic()
    const ahead = wall() - awake - suspended
    if (ahead < least) least = ahead
    else if (ahead > least + SUSPENDED_MS) suspended += ahead - least
    return awake + suspended
  }
}
