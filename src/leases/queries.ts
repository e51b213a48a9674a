/**
 * The queries of the lease protocol: heartbeats, changes and acknowledgements of instances, and the barrier's view of them.
 * No clock and no sequence follows the order of commits. The cursor is a snapshot, read in the same statement as the rows:
 * what it does not show is read next time.
 */
import { eq, sql } from 'drizzle-orm'
import { CONNECTION_ID, SERVER_ID } from '../database/connection-settings.ts'
import type { Database, Executor } from '../database/database.ts'
import { fetchRows } from '../database/rows.ts'
import { MOST_LAGGING } from './lease.ts'
import { digestOf, MAX_CHANGES, REVOKED } from './notice.ts'
import { instance } from './schema.ts'

export interface Changes {
  /** The snapshot of this read (`pg_snapshot` as text). */
  snapshot: string
  /** The connection that answered. When it changes, the instance discards its cache and joins again. */
  connectionId: string
  /** The version of the policy's row. When it changes, everything is to be evicted: no session may be valid as it was. */
  policy: string
  /** The hashed tokens to evict; null for all, when there are too many to list. */
  tokens: string[] | null
}

export interface Beginning extends Omit<Changes, 'tokens'> {
  /** The server that answered, as `SERVER_ID` names it. */
  server: string
}

/** What an instance acknowledges: its cache holds nothing whose revocation one of the two shows. */
export interface Acknowledgement {
  /** The snapshot that was read last, and the connection that answered: no other one may write this. */
  last: Pick<Changes, 'snapshot' | 'connectionId'>
  /** Digests of the notices that were applied since. */
  notices: readonly string[]
}

const isUnseen =
  'xid >= pg_snapshot_xmin($1::pg_snapshot) and not pg_visible_in_snapshot(xid, $1::pg_snapshot)'

const READ_BEGINNING = {
  name: 'read-beginning',
  text: `select pg_current_snapshot()::text, ${CONNECTION_ID}, session_policy.xmin::text, ${SERVER_ID}
    from global_logout.session_policy`,
}

const READ_CHANGES = {
  name: 'read-changes',
  text: `select pg_current_snapshot()::text, ${CONNECTION_ID}, session_policy.xmin::text,
    array(
      select session_token from global_logout.revoked_session where ${isUnseen}
      union all select session_token from global_logout.session_change where ${isUnseen}
      limit ${MAX_CHANGES + 1})
    from global_logout.session_policy`,
}

const NO_POLICY = 'session_policy has no row'

/** Reads what an instance begins with. */
async function readBeginning(query: Database['query']): Promise<Beginning> {
  const [row] = await query<[string, string, string, string]>({ ...READ_BEGINNING, values: [] })
  if (!row) throw new Error(NO_POLICY)
  const [snapshot, connectionId, policy, server] = row
  return { snapshot, connectionId, policy, server }
}

/** Reads what was committed after the snapshot `since`. */
export async function readChanges(query: Database['query'], since: string): Promise<Changes> {
  const [row] = await query<[string, string, string, string[]]>({ ...READ_CHANGES, values: [since] })
  if (!row) throw new Error(NO_POLICY)
  const [snapshot, connectionId, policy, tokens] = row
  return { snapshot, connectionId, policy, tokens: tokens.length > MAX_CHANGES ? null : tokens }
}

/** Its commit waits for the disk and for synchronous standbys, unless the default is stricter. A part of the statement itself. */
const DURABLE = `case when pg_catalog.current_setting('synchronous_commit') in ('off', 'local', 'remote_write')
    then pg_catalog.set_config('synchronous_commit', 'on', true) end`
/** Its commit waits for nothing. */
const NOT_DURABLE = `pg_catalog.set_config('synchronous_commit', 'off', true)`

const ADD_INSTANCE = {
  name: 'add-instance',
  text: `insert into global_logout.instance (id) values ($1::uuid) returning ${DURABLE}`,
}

/** On another connection the snapshot may mean nothing: after a failover, another server uses the same ids of transactions again. */
const ACKNOWLEDGED = 'applied = $2::pg_snapshot, notices = $3::uuid[]'
const OWN_ROW = `id = $1::uuid and ${CONNECTION_ID} = $4::text`

/** It carries what was applied before, which saves a statement and a commit. */
const HEARTBEAT = {
  name: 'heartbeat',
  text: `update global_logout.instance set beat = beat + 1, ${ACKNOWLEDGED} where ${OWN_ROW} returning ${DURABLE}`,
}

/** A server that crashes may forget it, and shows what was acknowledged before: then revocations wait longer. */
const ACKNOWLEDGE = {
  name: 'acknowledge',
  text: `update global_logout.instance set ${ACKNOWLEDGED} where ${OWN_ROW} returning ${NOT_DURABLE}`,
}

const REMOVE_INSTANCE = {
  name: 'remove-instance',
  text: 'delete from global_logout.instance where id = $1::uuid',
}

/** Removes the row of a dead instance, unless it has sent another heartbeat. */
async function removeDeadInstance(db: Executor, id: string, beat: number): Promise<void> {
  await db.delete(instance).where(sql`${eq(instance.id, id)} and ${eq(instance.beat, beat)}`)
}

/** What a notification carried (`notice.ts`). An instance that acknowledges it, and has applied all before `since`, knows all. */
export interface Carried {
  digest: string
  /** The first transaction of which it speaks. */
  since: string
}

/** A transaction that is waited for. */
export interface Revocation {
  xid: string
  /** Null until the notification is sent, or when it carried nothing. */
  carried: Carried | null
}

export interface InstanceStatus {
  id: string
  /** Heartbeats so far. */
  beat: number
}

/** For each transaction, instances that have not acknowledged it. Lists travel as text: not every driver has arrays. */
async function laggingInstances(db: Executor, revocations: Revocation[]): Promise<InstanceStatus[][]> {
  const list = (of: (revocation: Revocation) => string | undefined) =>
    sql`pg_catalog.string_to_array(${revocations.map((each) => of(each) ?? '').join()}::text, ','::text, ''::text)`
  const rows = await fetchRows<InstanceStatus & { position: number }>(
    db,
    sql`
    select requested.position::int, lagging.id, lagging.beat::float8
    from unnest(${list(({ xid }) => xid)}::xid8[], ${list(({ carried }) => carried?.digest)}::uuid[],
      ${list(({ carried }) => carried?.since)}::xid8[]) with ordinality as requested (xid, digest, since, position),
    lateral (select id, beat from global_logout.instance
      where (pg_visible_in_snapshot(requested.xid, applied) or (requested.digest = any (notices)
        and requested.since <= pg_snapshot_xmin(applied))) is not true
      limit ${sql.raw(String(MOST_LAGGING))}) as lagging`,
  )
  const lagging: InstanceStatus[][] = revocations.map(() => [])
  for (const { position, ...row } of rows) lagging[position - 1]?.push(row)
  return lagging
}

/** Every instance, dead ones included. */
async function listInstances(db: Executor): Promise<InstanceStatus[]> {
  return db.select({ id: instance.id, beat: instance.beat }).from(instance)
}

/** Deletes the changes that every instance has acknowledged. An instance that never acknowledged one blocks the sweep. */
export async function sweepChanges(db: Executor): Promise<void> {
  await db.execute(sql`delete from global_logout.session_change where xid < (
    select case when bool_and(applied is not null) is not false
      then least(min(pg_snapshot_xmin(applied)), pg_snapshot_xmin(pg_current_snapshot())) end
    from ${instance})`)
}

/** PostgreSQL refuses 8,000 bytes. A hashed token takes 44, a space included. */
const MAX_NOTICE_BYTES = 7_999
const MAX_NOTICE_TOKENS = 180

/**
 * Notifies instances and readers of the feed. Not inside the revoking transaction: NOTIFY serializes the commits of all senders. The
 * notice lists what an instance would read that has applied all before `since`, which all have. Its random first word is
 * younger than the commits: no instance can have acknowledged it before them.
 */
async function notifyInstances(db: Executor, xids: string[]): Promise<Carried | null> {
  const [notice] = await fetchRows<{ text: string | null; since: string }>(
    db,
    sql`
    with applied as materialized (select min(pg_snapshot_xmin(applied)) as since from global_logout.instance),
    revoked as materialized (
      (select session_token from global_logout.revoked_session where xid >= (select since from applied)
        order by xid limit ${sql.raw(String(MAX_NOTICE_TOKENS + 1))})
      union all (select session_token from global_logout.session_change where xid >= (select since from applied)
        order by xid limit ${sql.raw(String(MAX_NOTICE_TOKENS + 1))})),
    complete as materialized (
      select since, concat_ws(' ', gen_random_uuid(), (select xmin from global_logout.session_policy),
        (select string_agg(session_token, ' ') from revoked)) as text
      from applied where since is not null and (select count(*) from revoked) <= ${sql.raw(String(MAX_NOTICE_TOKENS))}
        and (select bool_and(pg_visible_in_snapshot(xid, pg_current_snapshot()))
          from unnest(string_to_array(${xids.join()}::text, ',')::xid8[]) as xid))
    select since::text, text, pg_notify(${REVOKED}::text, coalesce(text, ''))
      from (select) as always left join complete on octet_length(text) <= ${sql.raw(String(MAX_NOTICE_BYTES))}`,
  )
  return notice?.text ? { digest: digestOf(notice.text), since: notice.since } : null
}

/**
 * What an instance does in PostgreSQL (`leases/instance.ts`): each is one statement, and a transaction of its own. Its pool must have
 * one connection: a failover between the heartbeat and the read of changes would extend a lease that the new server never granted.
 */
export function instanceStore({ query }: Pick<Database, 'query'>) {
  const write = (statement: { name: string; text: string }, ...values: string[]) =>
    query({ ...statement, values })
  const acknowledge = async (
    statement: { name: string; text: string },
    id: string,
    { last, notices }: Acknowledgement,
  ) => (await write(statement, id, last.snapshot, `{${notices.join()}}`, last.connectionId)).length > 0
  return {
    add: async (id: string) => void (await write(ADD_INSTANCE, id)),
    heartbeat: (id: string, applied: Acknowledgement) => acknowledge(HEARTBEAT, id, applied),
    begin: () => readBeginning(query),
    changes: (since: string) => readChanges(query, since),
    acknowledge: (id: string, applied: Acknowledgement) => acknowledge(ACKNOWLEDGE, id, applied),
    remove: async (id: string) => void (await write(REMOVE_INSTANCE, id)),
  }
}

type Run = <T>(work: (db: Executor) => Promise<T>) => Promise<T>

/** What the barrier does in PostgreSQL (`leases/barrier.ts`). @param reap runs what looks for dead instances. */
export function barrierStore(run: Run, reap: Run = run) {
  return {
    laggingInstances: (revocations: Revocation[]) => run((db) => laggingInstances(db, revocations)),
    notify: (xids: string[]) => run((db) => notifyInstances(db, xids)),
    instances: () => reap(listInstances),
    removeDeadInstance: ({ id, beat }: InstanceStatus) => reap((db) => removeDeadInstance(db, id, beat)),
  }
}
