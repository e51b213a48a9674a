/** What a service key may do. Without imports, so that the command line's help loads nothing else. */
export const KEY_SCOPES = ['introspect', 'sessions:create', 'events', 'security'] as const
export type KeyScope = (typeof KEY_SCOPES)[number]
