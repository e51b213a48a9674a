/**
 * What a process that answers checks from memory shares with the service, besides `service.ts`: the lease, the cache, and the connections
 * that they need. It imports node-postgres.
 */

export { createSessionCache } from '../../../src/check/cache.ts'
export { leasedChecker } from '../../../src/check/checker.ts'
export { READ_SESSIONS, readTokens } from '../../../src/check/queries.ts'
export { createOnClient } from '../../../src/database/calls.ts'
export { completeTimeouts } from '../../../src/database/connection.ts'
export { CONNECTION_ID, SERVER_ID } from '../../../src/database/connection-settings.ts'
export { withSchema } from '../../../src/database/database-url.ts'
export type { Fence } from '../../../src/database/fence.ts'
export { createSharedListener } from '../../../src/database/listener.ts'
export { createPool } from '../../../src/database/pool.ts'
export type { Prepared } from '../../../src/database/pooled-client.ts'
export { refuseTransactionPooler, WrongAddress } from '../../../src/database/pooler.ts'
export { POOLS } from '../../../src/database/pools.ts'
export { createFence } from '../../../src/leases/fence.ts'
export { createInstance, type InstanceStore, keepLease } from '../../../src/leases/instance.ts'
export { leaseClock } from '../../../src/leases/lease.ts'
export { MAX_CHANGES, REVOKED } from '../../../src/leases/notice.ts'
export type { Acknowledgement } from '../../../src/leases/queries.ts'
export { silentLog } from '../../../src/lib/log.ts'
export { sleep } from '../../../src/lib/sleep.ts'
export { createLastSeen } from '../../../src/sessions/last-seen.ts'
