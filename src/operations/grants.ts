/** What may be granted: to a service its key's scopes, to a user a role of staff. The schema, the API and the CLI derive from it. */

/** What a service may do with a key. */
export const KEY_SCOPES = ['introspect', 'sessions:create', 'events', 'security'] as const
export type KeyScope = (typeof KEY_SCOPES)[number]

/** `security` reads and acts, `auditor` reads. */
export const STAFF_ROLES = ['security', 'auditor'] as const
export type StaffRole = (typeof STAFF_ROLES)[number]
