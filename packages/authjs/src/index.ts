/** Exports of `@global-logout/authjs`. It needs no driver; `./drizzle` does. */
export { type GlobalLogoutOptions, withGlobalLogout } from './adapter.ts'
export { type CredentialsConfig, databaseCredentials } from './credentials.ts'
export { type JwtConfig, type JwtSessionsOptions, type JwtSignIn, jwtRequest, jwtSessions } from './jwt.ts'
export type { Device } from './types.ts'
