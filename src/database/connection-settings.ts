/**
 * The settings that the service needs, whatever `alter role … set`, `alter database … set` and postgresql.conf say. They are not
 * start-up parameters, which PgBouncer refuses. One round trip sets them and reads the state of the server: once for a connection
 * of our own; for each transaction behind a pooler in transaction mode, whose connections belong to others as well.
 */

const SETTINGS = {
  // Every statement names our schema. Temporary tables come last.
  search_path: 'pg_catalog, pg_temp',
  // Text formats of values, as node-postgres parses them.
  client_encoding: 'UTF8',
  DateStyle: 'ISO, YMD',
  IntervalStyle: 'postgres',
  TimeZone: 'UTC',
  timezone_abbreviations: 'Default',
  bytea_output: 'hex',
  extra_float_digits: '1',
  standard_conforming_strings: 'on',
  array_nulls: 'on',
  transform_null_equals: 'off',
  // A query from which row level security would hide rows fails (42501) instead.
  row_security: 'off',
  // Stricter checks of plpgsql would make trigger functions fail.
  'plpgsql.extra_errors': 'none',
  // Only the deleting transaction itself names its operation.
  'global_logout.operation_id': '',
}

/** What has no effect inside a transaction. */
const CONNECTION_SETTINGS = {
  // For statements outside our own transactions.
  default_transaction_isolation: 'read committed',
  default_transaction_deferrable: 'off',
  // Idle connections of pools, and listeners, stay open.
  idle_session_timeout: '0',
}

export interface Timeouts {
  /** Limits of a statement, a wait for a lock, and a pause inside a transaction. In milliseconds; 0: no limit. */
  statementMs: number
  lockMs: number
  idleInTransactionMs: number
}

const transactionSettings = ({
  statementMs,
  lockMs,
  idleInTransactionMs,
}: Timeouts): Record<string, string> => ({
  ...SETTINGS,
  statement_timeout: String(statementMs),
  lock_timeout: String(lockMs),
  idle_in_transaction_session_timeout: String(idleInTransactionMs),
  // PostgreSQL 17 and later. A long transaction (migrations, a changed policy) raises its statement_timeout itself.
  transaction_timeout: '0',
})

const NAMES = new Set(
  [
    ...Object.keys(transactionSettings({ statementMs: 0, lockMs: 0, idleInTransactionMs: 0 })),
    ...Object.keys(CONNECTION_SETTINGS),
    'default_transaction_read_only',
    'session_replication_role',
  ].map((name) => name.toLowerCase()),
)

/** Whether the service sets the setting of this name, in lower case. */
export const isSetByService = (name: string): boolean => NAMES.has(name)

/**
 * SQL that names the server that answers: system identifier, timeline, start. A primary changes none of them without closing its
 * connections. Two servers that both take themselves for the primary differ in the timeline, or at least in their start. Null on a
 * standby. Hashed, because callers of leases and holders of sessions see it: they learn only whether two servers are the same.
 */
export const SERVER_ID = `case when not pg_catalog.pg_is_in_recovery() then
      pg_catalog.encode(pg_catalog.sha256(pg_catalog.convert_to(pg_catalog.concat_ws('/',
      (select system_identifier from pg_catalog.pg_control_system()),
      pg_catalog.left(pg_catalog.pg_walfile_name(pg_catalog.pg_current_wal_lsn()), 8),
      extract(epoch from pg_catalog.pg_postmaster_start_time())), 'UTF8')), 'hex') end`

/**
 * SQL that names the connection: the backend, and when its server started. A connection leads to one server for life, and a primary does
 * not change its timeline: the name of the server, which costs as much as all else of a read, is read once.
 */
export const CONNECTION_ID =
  'pg_catalog.concat_ws($$/$$, pg_catalog.pg_backend_pid(), extract(epoch from pg_catalog.pg_postmaster_start_time()))'

/** What the set-up reads; first whether the server is in recovery. */
export type ServerState = [
  recovering: boolean,
  /** `default_transaction_read_only`. */
  readOnly: string,
  /** `session_replication_role`. */
  replicationRole: string,
  /** `SERVER_ID`. */
  serverId: string | null,
]

const STATE = `pg_catalog.pg_is_in_recovery(), pg_catalog.current_setting('default_transaction_read_only'),
      pg_catalog.current_setting('session_replication_role'), ${SERVER_ID}`

/** For the connection, or for the transaction only. No operator is looked up in a `search_path` that is not ours yet. */
function assignments(settings: Record<string, string>, transactionOnly: boolean): string {
  const set = Object.entries(settings).map(([name, value]) => {
    const set = `pg_catalog.set_config('${name}', '${value}', ${transactionOnly})`
    const current = `pg_catalog.current_setting('${name}', true)`
    // Servers too old for a timeout must still answer: doctor reports their version.
    if (name.endsWith('_timeout')) return `case when ${current} is not null then ${set} end`
    // It reads a file: 200 µs.
    if (name === 'timezone_abbreviations')
      return `case when ${current} operator(pg_catalog.<>) '${value}' then ${set} end`
    return set
  })
  return set.join(',\n      ')
}

/**
 * The SQL that applies all settings and reads the state of the server, in a transaction that ignores the server's defaults. Its
 * only row begins with `ServerState`.
 */
export function setUpSql(timeouts: Timeouts, genericPlans = false): string {
  const settings = {
    ...transactionSettings(timeouts),
    ...CONNECTION_SETTINGS,
    ...(genericPlans && { plan_cache_mode: 'force_generic_plan' }),
  }
  return inReadOnly(`select ${STATE},
      ${assignments(settings, false)}`)
}

/** The SQL that only reads the state of the server. It sets nothing, which other clients of a pooler would find. */
export const STATE_SQL: string = inReadOnly(`select ${STATE}`)

function inReadOnly(statement: string): string {
  return `start transaction isolation level read committed, read only, not deferrable;
    ${statement};
    commit`
}

const BEGIN = 'begin isolation level read committed, not deferrable'

/**
 * The statements before the call of a function that verifies the server and has its own settings. They set what a function cannot:
 * the limits of the statement, and the format of its answer. With `server`, no other is fit, as in `beginSql`.
 */
export function callSql(timeouts: Timeouts, server: string | null): [begin: string, setUp: string] {
  const { statement_timeout, lock_timeout, client_encoding, extra_float_digits } =
    transactionSettings(timeouts)
  const settings = { statement_timeout, lock_timeout, client_encoding, extra_float_digits }
  const right =
    server === null
      ? ''
      : `1 operator(pg_catalog./) case when ${SERVER_ID} operator(pg_catalog.<>) '${server}' then 0 else 1 end, `
  return [BEGIN, `select ${right}${assignments(settings as Record<string, string>, true)}`]
}

/**
 * The statements that begin a transaction of which nothing is known: not the server, not its settings. The second one fails, so that
 * no statement after it runs, unless the server is a writable primary where triggers fire. SQL raises no error of its own, so it
 * divides by zero.
 * @param durable as `requireDurableCommit`.
 * @param server as `SERVER_ID` names it: no other is fit.
 */
export function beginSql(
  timeouts: Timeouts,
  durable: boolean,
  server: string | null,
): [begin: string, setUp: string] {
  const equals = (name: string, value: string) =>
    `pg_catalog.current_setting('${name}') operator(pg_catalog.=) '${value}'`
  const weak = ['off', 'local', 'remote_write'].map((each) => equals('synchronous_commit', each)).join(' or ')
  const isOther = server === null ? '' : `\n        or ${SERVER_ID} operator(pg_catalog.<>) '${server}'`
  const commit = `case when ${weak} then pg_catalog.set_config('synchronous_commit', 'on', true) end`
  return [
    BEGIN,
    `select 1 operator(pg_catalog./) case when pg_catalog.pg_is_in_recovery()
        or ${equals('default_transaction_read_only', 'on')} or ${equals('session_replication_role', 'replica')}${isOther} then 0 else 1 end,
      ${assignments(transactionSettings(timeouts), true)}${durable ? `,\n      ${commit}` : ''}`,
  ]
}
