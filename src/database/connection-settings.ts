/**
 * The settings that the service needs on every connection, whatever `alter role … set`, `alter database … set` and postgresql.conf
 * say. One round trip sets them and reads the state of the server. They are not start-up parameters, which PgBouncer refuses.
 */

const REQUIRED_SETTINGS = {
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
  // For statements outside our own transactions.
  default_transaction_isolation: 'read committed',
  default_transaction_deferrable: 'off',
  // Idle connections of pools, and listeners, stay open.
  idle_session_timeout: '0',
  // Stricter checks of plpgsql would make trigger functions fail.
  'plpgsql.extra_errors': 'none',
  // Only the deleting transaction itself names its operation.
  'global_logout.operation_id': '',
}

export interface Timeouts {
  /** Limits of a statement, a wait for a lock, and a pause inside a transaction. In milliseconds; 0: no limit. */
  statementMs: number
  lockMs: number
  idleInTransactionMs: number
}

const allSettings = ({ statementMs, lockMs, idleInTransactionMs }: Timeouts): Record<string, string> => ({
  ...REQUIRED_SETTINGS,
  statement_timeout: String(statementMs),
  lock_timeout: String(lockMs),
  idle_in_transaction_session_timeout: String(idleInTransactionMs),
  // PostgreSQL 17 and later. A long transaction (migrations, a changed policy) raises its statement_timeout itself.
  transaction_timeout: '0',
})

const NAMES = new Set(
  [
    ...Object.keys(allSettings({ statementMs: 0, lockMs: 0, idleInTransactionMs: 0 })),
    'default_transaction_read_only',
    'session_replication_role',
  ].map((name) => name.toLowerCase()),
)

/** Whether the service sets the setting of this name, in lower case. */
export const isSetByService = (name: string): boolean => NAMES.has(name)

/** What the set-up reads: whether the server is in recovery, `default_transaction_read_only`, `session_replication_role`. */
export type ServerState = [recovering: boolean, readOnly: string, replicationRole: string]

/**
 * The SQL that applies all settings and reads the state of the server, in a transaction that ignores the server's defaults. Its
 * only row begins with `ServerState`.
 */
export function setUpSql(timeouts: Timeouts): string {
  const set = Object.entries(allSettings(timeouts)).map(([name, value]) => {
    const set = `pg_catalog.set_config('${name}', '${value}', false)`
    // Servers too old for a timeout must still answer: doctor reports their version.
    return name.endsWith('_timeout')
      ? `case when pg_catalog.current_setting('${name}', true) is not null then ${set} end`
      : set
  })
  return `start transaction isolation level read committed, read only, not deferrable;
    select pg_catalog.pg_is_in_recovery(), pg_catalog.current_setting('default_transaction_read_only'),
      pg_catalog.current_setting('session_replication_role'),
      ${set.join(',\n      ')};
    commit`
}
