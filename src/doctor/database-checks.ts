/**
 * Checks of the database, for `global-logout doctor`: version, durability, connections, clocks, migrations, rights, triggers,
 * linked users, pooler and notifications. Changes nothing; it sends one notification to itself.
 */
import type { Config } from '../config.ts'
import { createConnector } from '../database/connection.ts'
import { openDatabase } from '../database/database.ts'
import { sqlState } from '../database/failures.ts'
import { pendingMigrations } from '../database/migrate.ts'
import { type DatabaseUrls, verifyUrls, WrongAddress } from '../database/pooler.ts'
import { CONNECTIONS, directConnections } from '../database/pools.ts'
import { describeHiddenTables, hiddenTables } from '../database/row-security.ts'
import { RESTORED } from '../staff/audit/queries.ts'
import { TABLES } from '../tables.ts'
import { type Finding, ok, problem, type Query, warning } from './finding.ts'
import { checkLink } from './link-checks.ts'
import { checkReplica } from './replica-checks.ts'
import { checkFence, checkReplication } from './replication-check.ts'
import {
  checkOwnRights,
  checkRoles,
  checkSchemaRights,
  checkWriters,
  missingRights,
} from './rights-checks.ts'
import { checkSearch } from './search-check.ts'
import { checkSnapshots } from './snapshot-checks.ts'

/** PostgreSQL 15, as `server_version_num` writes it. */
const MIN_VERSION = 150_000
/** Tolerated difference between the clocks of this machine and the database, in milliseconds. */
const MAX_CLOCK_SKEW_MS = 2_000

/** Every trigger that the migrations create: table and name. */
export const TRIGGERS = [
  ['session', 'session_deleted'],
  ['session', 'session_truncated'],
  ['session', 'session_ended_by_update'],
  ['session', 'session_not_revived'],
  ['session', 'session_admitted'],
  ['"user"', 'user_not_renamed'],
  ['user_lock', 'user_lock_announced'],
  ['user_lock', 'user_lock_recorded'],
  ['user_lock', 'user_lock_truncated'],
  ['staff', 'staff_recorded'],
  ['staff', 'staff_truncated'],
  ['service_key', 'service_key_stays_revoked'],
  ['service_key', 'service_key_recorded'],
  ['service_key', 'service_key_truncated'],
  ['session_policy', 'session_policy_recorded'],
  ['session_policy', 'session_policy_truncated'],
  ['operation', 'operation_stamped'],
  ['incident', 'incident_stays_done'],
  ['incident', 'incident_begins_epoch'],
  ['incident', 'incident_recorded'],
  ['session', 'session_not_from_the_future'],
  ['replay', 'replay_not_from_the_future'],
  ['service_key', 'service_key_not_from_the_future'],
  ['user_lock', 'user_lock_not_from_the_future'],
  ['staff', 'staff_not_from_the_future'],
  ['incident', 'incident_not_from_the_future'],
] as const

/** Runs the checks in order: rights and triggers can be checked only once migrations are applied. */
export async function checkDatabase(
  urls: DatabaseUrls,
  {
    workers,
    policy,
    checkMode,
    databaseReadUrl,
  }: Pick<Config, 'workers' | 'policy' | 'checkMode'> & Partial<Pick<Config, 'databaseReadUrl'>>,
): Promise<Finding[]> {
  // First: the other checks would leave settings in the connections of a pooler.
  const pooler = await checkPooler(urls)
  if (pooler.level === 'problem') return [pooler]
  const url = urls.directUrl ?? urls.url
  const database = openDatabase(url, { max: 2, deadlineMs: 5_000 })
  const query = async <Row extends unknown[]>(text: string) =>
    (await database.query<Row>({ name: '', text, values: [] }))[0] as Row
  try {
    const sentAt = Date.now()
    const [version, versionNumber, serverTime, fsync, limit, used] = await query<
      [string, number, Date, string, number, number]
    >(`select current_setting('server_version'), current_setting('server_version_num')::int, clock_timestamp(),
        current_setting('fsync'), current_setting('max_connections')::int,
        (select sum(numbackends)::int from pg_stat_database)`)
    const skew = Math.abs(serverTime.getTime() - (sentAt + Date.now()) / 2)
    const most = urls.directUrl ? directConnections(checkMode) : CONNECTIONS
    const needed = most.worker * workers + most.machine
    const past = urls.directUrl ? ' past the pooler' : ''
    const findings = [
      pooler,
      versionNumber >= MIN_VERSION
        ? ok('database', `PostgreSQL ${version}`)
        : problem('database', `PostgreSQL ${version} is too old. Use 15 or newer.`),
      // The connection is refused unless the server accepts writes.
      ok('writable', 'a primary'),
      fsync === 'on'
        ? ok('durable', 'fsync is on')
        : problem('durable', 'fsync is off: a power failure can restore ended sessions. Set fsync = on.'),
      limit - used >= needed
        ? ok('connections', `${used} of ${limit} in use; ${workers} process(es) can open ${needed}${past}`)
        : warning(
            'connections',
            `${used} of ${limit} in use, and ${workers} process(es) can open ${needed}${past}. Raise max_connections.`,
          ),
      skew <= MAX_CLOCK_SKEW_MS
        ? ok('clocks', `${Math.round(skew)} ms apart`)
        : warning(
            'clocks',
            `this machine and the database are ${(skew / 1000).toFixed(1)} s apart: run NTP on both. Sessions use the database's clock.`,
          ),
    ]
    const hidden = await database.run((db) => hiddenTables(db, TABLES))
    if (hidden.length > 0) return [...findings, problem('rows', describeHiddenTables(hidden))]
    findings.push(ok('rows', 'row level security hides no rows'))
    const pending = await database.run(pendingMigrations).catch((error) => {
      if (sqlState(error) === '42501') return null
      throw error
    })
    if (pending === null)
      return [...findings, missingRights(await query<[string]>('select current_user::text'))]
    if (pending > 0)
      return [
        ...findings,
        problem('migrations', `${pending} pending: run "global-logout migrate" as the owner of the tables.`),
      ]
    findings.push(ok('migrations', 'all applied'))
    for (const check of [
      checkOwnRights,
      checkRoles,
      checkWriters,
      checkSchemaRights,
      checkLifetimes,
      checkTriggers,
      checkLink,
      checkRestored,
      checkSearch,
      checkReplication,
    ])
      findings.push(await check(query, policy))
    return [
      ...findings,
      await checkFence(query, checkMode),
      await checkSnapshots(database),
      ...(await checkReplica(database, databaseReadUrl)),
      await checkNotifications(url),
    ]
  } finally {
    await database.close()
  }
}

/** Compares the lifetimes in the settings with those in the database, which the instance that started last wrote for all. */
async function checkLifetimes(query: Query, { maxAgeSeconds, idleTimeoutSeconds }: Config['policy']) {
  const [age, idle] = await query<[number, number]>(
    `select coalesce(max(max_age_seconds), 0), coalesce(max(idle_timeout_seconds), 0) from global_logout.session_policy`,
  )
  const describe = (age: number, idle: number) => `at most ${formatSpan(age)} old, ${formatSpan(idle)} unused`
  return age === maxAgeSeconds && idle === idleTimeoutSeconds
    ? ok('lifetimes', describe(age, idle))
    : warning(
        'lifetimes',
        `${describe(age, idle)} in the database; a start with these settings would set ${describe(maxAgeSeconds, idleTimeoutSeconds)}. Give all instances the same settings.`,
      )
}

/** `30d`, `36h`, `90s`: the format of the settings. */
function formatSpan(seconds: number): string {
  for (const [unit, length] of Object.entries({ d: 86_400, h: 3_600, m: 60 }))
    if (seconds > 0 && seconds % length === 0) return `${seconds / length}${unit}`
  return `${seconds}s`
}

/** Finds disabled and missing triggers: without them revocations go unrecorded, sessions can return and locks have no effect. */
async function checkTriggers(query: Query): Promise<Finding> {
  const [disabled, missing] = await query<[string[], string[]]>(
    `select coalesce(pg_catalog.array_agg(name || ' on ' || place) filter (where tgname is not null), '{}'),
        coalesce(pg_catalog.array_agg(name || ' on ' || place) filter (where tgname is null), '{}')
      from (values ${TRIGGERS.map(([place, name]) => `('global_logout.${place}', '${name}')`).join(', ')}) as needed (place, name)
      left join pg_trigger on tgrelid = place::regclass::oid and tgname::text = name
      where tgenabled is null or tgenabled not in ('O', 'A')`,
  )
  if (disabled.length + missing.length === 0) return ok('triggers', 'all present and enabled')
  const tables = [...new Set(disabled.map((each) => each.split(' on ')[1]))]
  const enable = tables.map((table) => `"alter table ${table} enable trigger user"`).join(', ')
  return problem(
    'triggers',
    [
      disabled.length > 0 && `disabled: ${disabled.join(', ')}. As the owner, run ${enable}.`,
      missing.length > 0 && `missing: ${missing.join(', ')}. Create them again, as in migrations/.`,
    ]
      .filter(Boolean)
      .join(' '),
  )
}

/** Checks that the database was not restored from another server, whose transaction ids mean nothing on this one. */
async function checkRestored(query: Query): Promise<Finding> {
  const [restored] = await query<[boolean]>('select global_logout.restored_elsewhere()')
  return restored
    ? problem('record', `new operations are not sealed: ${RESTORED}`)
    : ok('record', 'written by this server')
}

/** Checks what "start" would refuse: a pooler in transaction mode without a way past it, and a way that leads elsewhere. */
async function checkPooler(urls: DatabaseUrls): Promise<Finding> {
  try {
    await verifyUrls(urls)
    return urls.directUrl
      ? ok('pooler', 'any at DATABASE_URL; DATABASE_DIRECT_URL leads past it to the same database')
      : ok('pooler', 'none, or one in session mode')
  } catch (error) {
    if (error instanceof WrongAddress) return problem('pooler', error.message)
    throw error
  }
}

/** Checks that notifications arrive: some poolers drop them. */
async function checkNotifications(url: string): Promise<Finding> {
  const client = await createConnector(url, { name: 'global-logout doctor', connectMs: 5_000 }).connect()
  try {
    const received = new Promise<boolean>((done) => {
      client.once('notification', () => done(true))
      setTimeout(() => done(false), 2_000).unref()
    })
    await client.query('listen global_logout_doctor')
    await client.query('notify global_logout_doctor')
    return (await received)
      ? ok('notifications', 'arrive')
      : warning(
          'notifications',
          'do not arrive, so logouts wait longer. Connect without the pooler, or in its session mode.',
        )
  } finally {
    await client.end().catch(() => {})
  }
}
