/** Exports of `@global-logout/client`. It uses web platform APIs only. */
export type { AdmissionOptions } from './admission.ts'
export type { Verdict } from './check.ts'
export { type Client, type ClientOptions, createClient } from './client.ts'
export type { RequestLike } from './credentials.ts'
export { NotSignedOutError, ServiceError, UndecidedError } from './errors.ts'
export { expressSession } from './express.ts'
export { fastifySession } from './fastify.ts'
export type { FollowOptions, Replay, Revocation } from './follow.ts'
export type { LeaseOptions } from './lease-options.ts'
export type { ClientLogoutOutcome } from './logout.ts'
export type { Introspection } from './services.ts'
export {
  type CreatedSession,
  type EndedSession,
  type Identity,
  LONGEST_USER_TEXT,
  type LogoutOutcome,
  type LogoutScope,
  type NewSession,
  type Sessions,
  type SessionUser,
} from './sessions.ts'
export {
  CLOSE_CODES,
  type Closable,
  createSocketRegistry,
  type SocketOptions,
  type SocketRegistry,
} from './sockets.ts'
