/** Scopes of service keys. Has no imports, so that the command line help loads fast. */
export const KEY_SCOPES = [
  'introspect',
  'sessions:create',
  'users:delete',
  'events',
  'leases',
  'security',
] as const
export type KeyScope = (typeof KEY_SCOPES)[number]
