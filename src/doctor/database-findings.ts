/**
 * What `global-logout doctor` finds in the database: whether it answers, is new enough, migrated, safe and on time. Reads only;
 * the one thing that it sends is a notification to itself.
 */
import type { Config } from '../config.ts'
import { createConnector, UnfitServer } from '../database/connection.ts'
import { openDatabase } from '../database/database.ts'
import { sqlState } from '../database/failures.ts'
import { pendingMigrations } from '../database/migrate.ts'
import { refuseTransactionPooler } from '../database/pooler.ts'
import { CONNECTIONS } from '../database/pools.ts'
import { describeHiddenTables, hiddenTables } from '../database/row-security.ts'
import { RESTORED } from '../staff/audit/queries.ts'
import { TABLES } from '../tables.ts'
import { type Finding, ok, problem, type Query, warning } from './findings.ts'
import { findCreators, findRecorders, findRights, findRoles, noRights } from './rights-findings.ts'

const OLDEST_VERSION = 150_000
/** How far the clocks of this machine and of the database may be apart before people notice, in milliseconds. */
const CLOCKS_APART_MS = 2_000

/** Every trigger of the migrations, with its table. */
export const TRIGGERS = [
  ['session', 'session_deleted'],
  ['session', 'session_truncated'],
  ['session', 'session_ended_by_update'],
  ['session', 'session_not_revived'],
  ['session', 'session_of_locked_user'],
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
  ['incident', 'incident_recorded'],
  ['session', 'session_not_from_the_future'],
  ['replay', 'replay_not_from_the_future'],
  ['service_key', 'service_key_not_from_the_future'],
  ['user_lock', 'user_lock_not_from_the_future'],
  ['staff', 'staff_not_from_the_future'],
  ['incident', 'incident_not_from_the_future'],
] as const

/** Everything that the database tells, in the order in which one thing needs another. */
export async function findInDatabase(
  url: string,
  { workers, policy }: Pick<Config, 'workers' | 'policy'>,
): Promise<Finding[]> {
  const database = openDatabase(url, { max: 2, deadlineMs: 5_000 })
  const query = async <Row extends unknown[]>(text: string) =>
    (await database.query<Row>({ name: '', text, values: [] }))[0] as Row
  try {
    const sentAt = Date.now()
    const [version, number, serverTime, fsync, most, used] = await query<
      [string, number, Date, string, number, number]
    >(`select current_setting('server_version'), current_setting('server_version_num')::int, clock_timestamp(),
        current_setting('fsync'), current_setting('max_connections')::int,
        (select sum(numbackends)::int from pg_stat_database)`)
    const apart = Math.abs(serverTime.getTime() - (sentAt + Date.now()) / 2)
    const needed = CONNECTIONS * workers
    const findings = [
      number >= OLDEST_VERSION
        ? ok('database', `PostgreSQL ${version}`)
        : problem('database', `PostgreSQL ${version} is too old; 15 or newer is needed.`),
      // No connection to any other server is opened.
      ok('writable', 'a primary'),
      fsync === 'on'
        ? ok('durable', 'fsync is on')
        : problem('durable', 'fsync is off: a power failure can bring ended sessions back. Set fsync = on.'),
      most - used >= needed
        ? ok('connections', `${used} of ${most} in use; ${workers} process(es) may open ${needed}`)
        : warning(
            'connections',
            `${used} of ${most} in use, and ${workers} process(es) may open ${needed}: raise max_connections.`,
          ),
      apart <= CLOCKS_APART_MS
        ? ok('clocks', `${Math.round(apart)} ms apart`)
        : warning(
            'clocks',
            `this machine and the database are ${(apart / 1000).toFixed(1)} s apart: run NTP on both. Sessions go by the database's.`,
          ),
    ]
    const hidden = await database.run((db) => hiddenTables(db, TABLES))
    if (hidden.length > 0) return [...findings, problem('rows', describeHiddenTables(hidden))]
    findings.push(ok('rows', 'row level security hides none'))
    const pending = await database.run(pendingMigrations).catch((error) => {
      if (sqlState(error) === '42501') return null
      throw error
    })
    if (pending === null) return [...findings, noRights(await query<[string]>('select current_user::text'))]
    if (pending > 0)
      return [
        ...findings,
        problem('migrations', `${pending} pending: run "global-logout migrate" as the owner of the tables.`),
      ]
    findings.push(ok('migrations', 'all applied'))
    for (const find of [
      findRights,
      findRoles,
      findRecorders,
      findCreators,
      findLifetimes,
      findTriggers,
      findRestored,
    ])
      findings.push(await find(query, policy))
    return [...findings, await findPooler(url), await findNotifications(url)]
  } finally {
    await database.close()
  }
}

/** Lifetimes are one row for all instances, which the last start wrote. */
async function findLifetimes(query: Query, { maxAgeSeconds, idleTimeoutSeconds }: Config['policy']) {
  const [age, idle] = await query<[number, number]>(
    `select coalesce(max(max_age_seconds), 0), coalesce(max(idle_timeout_seconds), 0) from session_policy`,
  )
  const inWords = (age: number, idle: number) => `at most ${span(age)} old, ${span(idle)} unused`
  return age === maxAgeSeconds && idle === idleTimeoutSeconds
    ? ok('lifetimes', inWords(age, idle))
    : warning(
        'lifetimes',
        `${inWords(age, idle)} in the database; a start with these settings makes it ${inWords(maxAgeSeconds, idleTimeoutSeconds)}: give all instances the same.`,
      )
}

/** `30d`, `36h`, `90s`: as the settings have it. */
function span(seconds: number): string {
  for (const [unit, length] of Object.entries({ d: 86_400, h: 3_600, m: 60 }))
    if (seconds > 0 && seconds % length === 0) return `${seconds / length}${unit}`
  return `${seconds}s`
}

/** Triggers that are off, or gone, leave revocations unrecorded, sessions revived and locks without effect. */
async function findTriggers(query: Query): Promise<Finding> {
  const [off, gone] = await query<[string[], string[]]>(
    `select coalesce(pg_catalog.array_agg(name || ' on ' || place) filter (where tgname is not null), '{}'),
        coalesce(pg_catalog.array_agg(name || ' on ' || place) filter (where tgname is null), '{}')
      from (values ${TRIGGERS.map(([place, name]) => `('${place}', '${name}')`).join(', ')}) as needed (place, name)
      left join pg_trigger on tgrelid = place::regclass::oid and tgname::text = name
      where tgenabled is null or tgenabled not in ('O', 'A')`,
  )
  if (off.length + gone.length === 0) return ok('triggers', 'all there, and enabled')
  const tables = [...new Set(off.map((each) => each.split(' on ')[1]))]
  const enable = tables.map((table) => `"alter table ${table} enable trigger user"`).join(', ')
  return problem(
    'triggers',
    [
      off.length > 0 && `disabled: ${off.join(', ')}. As the owner: ${enable}.`,
      gone.length > 0 && `missing: ${gone.join(', ')}. Create them again as the migrations do.`,
    ]
      .filter(Boolean)
      .join(' '),
  )
}

/** News is found by the ids of transactions, and those of another server say nothing here. */
async function findRestored(query: Query): Promise<Finding> {
  const [restored] = await query<[boolean]>('select public.restored_elsewhere()')
  return restored
    ? problem('record', `new operations are not sealed: ${RESTORED}`)
    : ok('record', 'speaks of this server')
}

/** A pooler in transaction mode is refused by "start". */
async function findPooler(url: string): Promise<Finding> {
  try {
    await refuseTransactionPooler(url)
    return ok('pooler', 'none, or one in session mode')
  } catch (error) {
    if (error instanceof UnfitServer) return problem('pooler', error.message)
    throw error
  }
}

/** Notifications are lost on some ways to PostgreSQL. */
async function findNotifications(url: string): Promise<Finding> {
  const client = await createConnector(url, { name: 'global-logout doctor', connectMs: 5_000 }).connect()
  try {
    const heard = new Promise<boolean>((done) => {
      client.once('notification', () => done(true))
      setTimeout(() => done(false), 2_000).unref()
    })
    await client.query('listen global_logout_doctor')
    await client.query('notify global_logout_doctor')
    return (await heard)
      ? ok('notifications', 'arrive')
      : warning(
          'notifications',
          'do not arrive: connect past the pooler, or in its session mode; logouts wait longer without.',
        )
  } finally {
    await client.end().catch(() => {})
  }
}
