/**
 * Everything the adapter shares with the service: tables, token hash, validity rule, revocation barrier. Both must agree, so
 * the build bundles the service's own modules. No other file of a package imports from outside its package.
 */

export { type Executor, requireDurableCommit } from '../../../src/database/executor.ts'
export { fetchRows } from '../../../src/database/rows.ts'
export { hashToken } from '../../../src/database/token-hash.ts'
export { Problem } from '../../../src/errors.ts'
export { type Barrier, createBarrier } from '../../../src/leases/barrier.ts'
export { barrierStore } from '../../../src/leases/queries.ts'
export { deviceColumns } from '../../../src/sessions/device-columns.ts'
export { lastSeenIsStale, updateLastSeen } from '../../../src/sessions/queries.ts'
export { account, session, user, verificationToken } from '../../../src/sessions/schema.ts'
export { generateSessionToken } from '../../../src/sessions/tokens.ts'
export { expiresAsDate, isValid } from '../../../src/sessions/validity.ts'
