/**
 * Everything that is shared with the service: token, hash, cookie reading, the wait after a revocation. Both must agree, so the
 * build bundles the service's own modules. No other file of the package imports from outside its package.
 */

export { hashToken } from '../../../src/database/token-hash.ts'
export { createBarrier } from '../../../src/leases/barrier.ts'
export { KNOWN_NAMES } from '../../../src/sessions/cookie-names.ts'
export { readCredential } from '../../../src/sessions/credentials.ts'
export { deviceColumns } from '../../../src/sessions/device-columns.ts'
export { generateSessionToken } from '../../../src/sessions/tokens.ts'
