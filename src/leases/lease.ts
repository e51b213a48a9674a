/**
 * How long an instance may answer from memory, in numbers: the leases of Gray and Cheriton (SOSP 1989), with
 * PostgreSQL as the only coordinator. Every time is a difference on one process's own clock; the clocks of two
 * machines are never compared. ARCHITECTURE.md tells why it holds.
 */

/** D, milliseconds: how long an instance may answer from memory without having asked what was revoked. */
export const LEASE_MS = 3_000
/** ρ: two clocks that are both right may differ in rate by this much. */
export const RATE_ERROR = 0.01
/** m, milliseconds: what is added to the wait for leases, beyond need. */
const MARGIN_MS = 250
/** How often a lease is renewed, in milliseconds: a slow renewal has time to come before the lease is over. */
export const RENEW_MS = LEASE_MS / 3
/** What a holder counts as its lease: shorter, in case its clock is slow. */
export const HELD_MS = LEASE_MS * (1 - RATE_ERROR)
/** W, milliseconds: after this, every lease that was granted before is over, whatever the clocks. */
export const WAIT_MS = LEASE_MS * (1 + 2 * RATE_ERROR) + MARGIN_MS

/** A wall clock that runs ahead of the monotonic one by more than this was not merely adjusted, in milliseconds. */
const SUSPENDED_MS = 100

/**
 * A clock for leases, in milliseconds: it never runs backwards, and does not stand still with the machine. The
 * monotonic clock of Linux does while a machine is suspended; then the wall clock is ahead, and the difference counts.
 * A wall clock that is set forward counts as well, and costs no more than a lease.
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
