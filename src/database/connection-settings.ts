/**
 * What the service relies on in a connection, whatever `alter role … set`, `alter database … set` and postgresql.conf say:
 * set and looked at in one round trip, when the connection is new. Not as start-up parameters: PgBouncer refuses those.
 */

const RELIED_ON = {
  // Names of tables and functions. pg_catalog comes first by itself, temporary tables last.
  search_path: 'public, pg_temp',
  // What values look like as text: node-postgres reads these spellings.
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
  // Rows that row level security would hide make the query fail (42501) instead.
  row_security: 'off',
  // Statements outside of a transaction of our own.
  default_transaction_isolation: 'read committed',
  default_transaction_deferrable: 'off',
  // A pool's idle connection and a listener wait as long as it takes.
  idle_session_timeout: '0',
  // Stricter checks of plpgsql would fail trigger functions.
  'plpgsql.extra_errors': 'none',
  // Which operation a deletion belongs to is said in the deleting transaction, or not at all.
  'global_logout.operation_id': '',
}

export interface Timeouts {
  /** Longest statement, wait for a lock and pause inside a transaction, in milliseconds; 0: no limit. */
  statementMs: number
  lockMs: number
  idleInTransactionMs: number
}

const settingsWith = ({ statementMs, lockMs, idleInTransactionMs }: Timeouts): Record<string, string> => ({
  ...RELIED_ON,
  statement_timeout: String(statementMs),
  lock_timeout: String(lockMs),
  idle_in_transaction_session_timeout: String(idleInTransactionMs),
  // PostgreSQL 17 and later. A long transaction (migrations, a changed policy) extends its statements' time itself.
  transaction_timeout: '0',
})

const NAMES = new Set(
  [
    ...Object.keys(settingsWith({ statementMs: 0, lockMs: 0, idleInTransactionMs: 0 })),
    'default_transaction_read_only',
    'session_replication_role',
  ].map((name) => name.toLowerCase()),
)

/** Whether a setting of this name, in lower case, is the service's to decide. */
export const isSetByService = (name: string): boolean => NAMES.has(name)

/** What the set-up finds: whether the server is in recovery, `default_transaction_read_only`, `session_replication_role`. */
export type Found = [recovering: boolean, readOnly: string, replicationRole: string]

/**
 * The SQL that sets all of it and looks at the server, in a transaction whose characteristics no default decides. Of its
 * results the one with a row begins with `Found`.
 */
export function setUp(timeouts: Timeouts): string {
  const set = Object.entries(settingsWith(timeouts)).map(([name, value]) => {
    const set = `pg_catalog.set_config('${name}', '${value}', false)`
    // Doctor also names the version of servers that are too old to have it.
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
