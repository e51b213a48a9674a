/**
 * Everything that is shared with the service and the client: token, hash, reading of requests, cookie names, the wait after a
 * revocation. All must agree, so the build bundles their modules. No other file of the package imports from outside its package, but
 * `service-leases.ts`.
 */

export { parseDatabaseUrl } from '../../../src/database/database-url.ts'
export { hashToken } from '../../../src/database/token-hash.ts'
export { createBarrier } from '../../../src/leases/barrier.ts'
export { REVOKED } from '../../../src/leases/notice.ts'
export { readAddress } from '../../../src/lib/read-address.ts'
export { isActivity } from '../../../src/sessions/activity.ts'
export { defaultNames, isSettable, KNOWN_NAMES } from '../../../src/sessions/cookie-names.ts'
export { readCredential } from '../../../src/sessions/credentials.ts'
export { deviceColumns, profileText } from '../../../src/sessions/device-columns.ts'
export { otherTokens } from '../../../src/sessions/other-tokens.ts'
export { generateSessionToken } from '../../../src/sessions/tokens.ts'
export { credentialsOf } from '../../client/src/credentials.ts'
