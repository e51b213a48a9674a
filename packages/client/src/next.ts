/**
 * Sessions of global-logout in an application of Next 15 or 16. The service is at GLOBAL_LOGOUT_URL, which is read when a request
 * needs it. Importing reads nothing, so `next build` needs no environment.
 *
 *     export default async function Page() {
 *       const { userId } = await requireSession()
 *
 * For sessions in process, make the same functions with `createNextSessions(() => createDatabaseSessions({ … }))`.
 */
import { sessionsFromEnvironment } from './next-request.ts'
import { createNextSessions } from './next-sessions.ts'

export { logout } from './next-logout.ts'
export type { Guard, ProxyOptions } from './next-proxy.ts'
export { device, sessionsFromEnvironment } from './next-request.ts'
export { rewrites } from './next-rewrites.ts'
export { createNextSessions, type Guarded, type NextSessions, type RequireOptions } from './next-sessions.ts'

/** See `NextSessions`. */
export const { session, requireSession, withSession, createProxy } =
  createNextSessions(sessionsFromEnvironment)
