/**
 * The kinds of operations, the kinds of actors, and the scopes of a logout. The database's checks, the API, the console, the CLI
 * and the metrics derive from these tables: a new kind takes one line here and a migration.
 */

interface Kind {
  /** The text in the console. */
  label: string
  /** Whether the overview lists it: it shows actions of staff and services, not of users on their own sessions. */
  inOverview: boolean
}

const OPERATIONS = {
  logout: { label: 'Signed out', inOverview: false },
  'session.end': { label: 'Signed out one of their devices', inOverview: false },
  'session.replace': { label: 'Signed in again on a device', inOverview: false },
  'user.delete': { label: 'Deleted in the application', inOverview: false },
  'session.revoke': { label: 'Ended sessions of a user', inOverview: true },
  'user.revoke': { label: 'Ended all sessions of a user', inOverview: true },
  'user.lock': { label: 'Locked sign-in of a user', inOverview: true },
  'user.unlock': { label: 'Unlocked sign-in of a user', inOverview: true },
  'user.note': { label: 'Wrote a note on a user', inOverview: true },
  'user.role': { label: 'Changed the role of a user', inOverview: true },
  'user.export': { label: 'Exported the data of a user', inOverview: true },
  'user.erase': { label: 'Erased a user', inOverview: true },
  'incident.plan': { label: 'Planned an incident', inOverview: true },
  'incident.approve': { label: 'Approved an incident', inOverview: true },
  'incident.execute': { label: 'Executed an incident', inOverview: true },
  'incident.finish': { label: 'Finished an incident', inOverview: true },
  'key.create': { label: 'Created a service key', inOverview: true },
  'key.change': { label: 'Changed a service key', inOverview: true },
  'key.revoke': { label: 'Revoked a service key', inOverview: true },
  'policy.change': { label: 'Changed the lifetimes of sessions', inOverview: true },
  'replays.acknowledge': { label: 'Acknowledged reused tokens of a user', inOverview: true },
  'addresses.delete': { label: 'Deleted old addresses', inOverview: false },
} as const satisfies Record<string, Kind>

/** Listed in the audit log besides operations: sessions ended without one, by SQL, a cascade or another program. */
const WITHOUT_OPERATION = { external: { label: 'Ended outside the service' } } as const

const AUDITED = { ...OPERATIONS, ...WITHOUT_OPERATION }

export type OperationKind = keyof typeof OPERATIONS
export const OPERATION_KINDS = keysOf(OPERATIONS)
export const OVERVIEW_KINDS = OPERATION_KINDS.filter((kind) => OPERATIONS[kind].inOverview)

export type AuditKind = keyof typeof AUDITED
export const AUDIT_KINDS = keysOf(AUDITED)

/** `database`: a database login that used SQL, as triggers recorded it. */
export const ACTOR_KINDS = ['user', 'service', 'staff', 'system', 'database'] as const
export type ActorKind = (typeof ACTOR_KINDS)[number]

/**
 * `ends`: the sessions of the user that it ends. `endsOwn`: whether the requesting session is one of them. `label`: the text
 * in the console.
 */
const SCOPES = {
  local: { ends: 'this session', endsOwn: true, label: 'Signed out one device' },
  others: { ends: 'all but this one', endsOwn: false, label: 'Signed out all other devices' },
  global: { ends: 'all', endsOwn: true, label: 'Signed out everywhere' },
} as const satisfies Record<string, { ends: string; endsOwn: boolean; label: string }>

export type LogoutScope = keyof typeof SCOPES
export const LOGOUT_SCOPES = keysOf(SCOPES)
/** Whether a logout ends the session that requests it. */
export const endsOwnSession = (scope: LogoutScope): boolean => SCOPES[scope].endsOwn
/** Each scope and the sessions that it ends, in one line. */
export const SCOPES_EXPLAINED = LOGOUT_SCOPES.map((scope) => `\`${scope}\`: ${SCOPES[scope].ends}`).join('; ')

/** The text of an operation in the console. */
export function operationLabel(kind: AuditKind, scope: LogoutScope | null = null): string {
  return kind === 'logout' && scope ? SCOPES[scope].label : AUDITED[kind].label
}

function keysOf<Table extends object>(table: Table): (keyof Table)[] {
  return Object.keys(table) as (keyof Table)[]
}
