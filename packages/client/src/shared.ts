/**
 * Everything that is shared with the service: the holding side of leases, which a simulation tests, and its clock. Both must agree, so
 * the build bundles their modules. No other file of the package imports from outside its folder.
 */

export { createCaller, keepCallerLease } from '../../../src/leases/caller.ts'
export { LEASE_MS, leaseClock, RATE_ERROR } from '../../../src/leases/lease.ts'
export type { CallerLease, Cursor, LeaseRequest } from '../../../src/leases/messages.ts'
export { sleep, type Time } from '../../../src/lib/sleep.ts'
export { isActivity } from '../../../src/sessions/activity.ts'
