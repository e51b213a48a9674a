/**
 * Sessions of global-logout in an application of Next 15 or 16. The service is at GLOBAL_LOGOUT_URL, which is read when a request
 * needs it. Importing reads nothing, so `next build` needs no environment.
 *
 *     export default async function Page() {
 *       const { userId } = await requireSession()
 *
 * For sessions in process, make the same functions with `createNextSessions(() => createDatabaseSessions({ … }))`.
 */
import { clientFromEnvironment } from './next-request.ts'
import { createNextSessions } from './next-sessions.ts'

export { logout } from './next-logout.ts'
export type { Guard, ProxyOptions } from './next-proxy.ts'
export { device } from './next-request.ts'
export { rewrites } from './next-rewrites.ts'
export { createNextSessions, type Guarded, type NextSessions, type RequireOptions } from './next-sessions.ts'

const environment = createNextSessions(clientFromEnvironment)

/** See `NextSessions`. */
export const { session, requireSession, withSession, createProxy } = environment

/**
 * The sessions of the service at GLOBAL_LOGOUT_URL, for the adapter of Auth.js. Signing in needs a service key with the scope
 * `sessions:create` in GLOBAL_LOGOUT_KEY. Call it when a request needs it. @throws Error without the address.
 */
export const sessionsFromEnvironment = environment.sessions
