/**
 * The named queries of the instances that answer from memory, and of those who wait for them. "New" is never told by
 * a clock or a sequence, which do not follow the order of commits: a snapshot read in the statement that reads the
 * rows is the cursor, and whatever is not visible in it comes next time.
 */
import { eq, sql } from 'drizzle-orm'
import type { Database, Executor } from '../database/database.ts'
import { instance } from './schema.ts'

/** More news than this is "forget everything": no statement grows with the size of a logout. */
const MAX_NEWS = 10_000

export interface News {
  /** What this read saw (`pg_snapshot`, as text). */
  snapshot: string
  /**
   * Who answered: the history of the database (system identifier, timeline), the session policy (each version of its
   * row), and the connection. A life that sees another world is over.
   */
  world: string
  /** The hashed tokens to forget; null when they are too many to name. */
  tokens: string[] | null
}

const isNew = 'xid >= pg_snapshot_xmin($1::pg_snapshot) and not pg_visible_in_snapshot(xid, $1::pg_snapshot)'

const READ_NEWS = {
  name: 'read-news',
  text: `select pg_current_snapshot()::text,
    pg_catalog.concat_ws('/', (select system_identifier from pg_control_system()), left(pg_walfile_name(pg_current_wal_lsn()), 8),
      session_policy.xmin, pg_postmaster_start_time(), pg_backend_pid()),
    array(
      select session_token from revoked_session where ${isNew}
      union all select session_token from session_change where ${isNew}
      limit ${MAX_NEWS + 1})
    from session_policy`,
}

/** What was committed since `last`; with null, nothing but where we are. */
export async function readNews(query: Database['query'], last: string | null): Promise<News> {
  const [row] = await query<[string, string, string[]]>({ ...READ_NEWS, values: [last] })
  if (!row) throw new Error('session_policy has no row')
  const [snapshot, world, tokens] = row
  return { snapshot, world, tokens: tokens.length > MAX_NEWS ? null : tokens }
}

/** Adds an instance. Run it, like `beatInstance`, in a transaction, whose commit is durable. */
export async function addInstance(tx: Executor, id: string): Promise<void> {
  await tx.insert(instance).values({ id })
}

/** Tells that the instance renews its lease. @returns false when it has no row any more. */
export async function beatInstance(tx: Executor, id: string): Promise<boolean> {
  const beat = sql`${instance.beat} + 1`
  const rows = await tx
    .update(instance)
    .set({ beat })
    .where(eq(instance.id, id))
    .returning({ id: instance.id })
  return rows.length > 0
}

/** Tells that everything visible in the snapshot has left the instance's memory. */
export async function setApplied(db: Executor, id: string, snapshot: string): Promise<void> {
  await db.update(instance).set({ applied: snapshot }).where(eq(instance.id, id))
}

export async function removeInstance(db: Executor, id: string): Promise<void> {
  await db.delete(instance).where(eq(instance.id, id))
}

/** Removes the row of an instance that is gone, unless it came back to life. */
export async function removeDeadInstance(db: Executor, id: string, beat: number): Promise<void> {
  await db.delete(instance).where(sql`${eq(instance.id, id)} and ${eq(instance.beat, beat)}`)
}

export interface Behind {
  id: string
  beat: number
}

/** For each transaction: the instances that may not know yet what it ended. As text: not every driver knows arrays. */
export async function instancesBehind(db: Executor, xids: string[]): Promise<Behind[][]> {
  const rows = await db
    .select({
      position: sql<number>`asked.position::int`,
      id: instance.id,
      beat: instance.beat,
    })
    .from(
      sql`pg_catalog.unnest(pg_catalog.string_to_array(${xids.join()}::text, ','::text)::xid8[]) with ordinality as asked (xid, position)`,
    )
    .innerJoin(instance, sql`pg_visible_in_snapshot(asked.xid, ${instance.applied}) is not true`)
  const behind: Behind[][] = xids.map(() => [])
  for (const { position, ...row } of rows) behind[position - 1]?.push(row)
  return behind
}

/** Every instance, alive or not. */
export async function listInstances(db: Executor): Promise<Behind[]> {
  return db.select({ id: instance.id, beat: instance.beat }).from(instance)
}

/** Deletes what every instance has forgotten by now. Rows of one that has not told yet hold all back. */
export async function sweepChanges(db: Executor): Promise<void> {
  await db.execute(sql`delete from session_change where xid < (
    select case when bool_and(applied is not null) is not false
      then least(min(pg_snapshot_xmin(applied)), pg_snapshot_xmin(pg_current_snapshot())) end
    from ${instance})`)
}

/** A hint, outside of the transaction that revokes: inside, it would make all revoking commits wait for one another. */
export async function wakeInstances(db: Executor): Promise<void> {
  await db.execute(sql`select pg_catalog.pg_notify(${REVOKED}::text, ''::text)`)
}

/** The channel of `wakeInstances`. */
export const REVOKED = 'global_logout_revoked'

/**
 * What an instance does in PostgreSQL (`leases/instance.ts`). Give it a pool of one connection: a beat on one server
 * and news from another, during a failover, would extend a lease that nobody granted.
 */
export function instanceStore({ run, query, transaction }: Database) {
  return {
    add: (id: string) => transaction((tx) => addInstance(tx, id)),
    beat: (id: string) => transaction((tx) => beatInstance(tx, id)),
    news: (last: string | null) => readNews(query, last),
    applied: (id: string, snapshot: string) => run((db) => setApplied(db, id, snapshot)),
    remove: (id: string) => run((db) => removeInstance(db, id)),
  }
}

/** What whoever waits for instances does in PostgreSQL (`leases/barrier.ts`). */
export function barrierStore(run: <T>(work: (db: Executor) => Promise<T>) => Promise<T>) {
  return {
    behind: (xids: string[]) => run((db) => instancesBehind(db, xids)),
    instances: () => run(listInstances),
    wake: () => run(wakeInstances),
    bury: ({ id, beat }: Behind) => run((db) => removeDeadInstance(db, id, beat)),
  }
}
