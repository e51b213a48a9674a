/** The queries of incidents. Those that count sessions are in `counts.ts`, those that end them in `steps.ts`. */
import { and, desc, eq, getTableColumns, inArray, sql } from 'drizzle-orm'
import type { Executor } from '../../database/database.ts'
import { fetchRows } from '../../database/rows.ts'
import { operation } from '../../operations/schema.ts'
import { type Incident, incident, incidentPlanned } from './schema.ts'

/** An incident with the actor of its execution, without the list of users, which may be long. */
export interface FoundIncident {
  incident: Omit<Incident, 'userIds'>
  /** By the database's clock. */
  expired: boolean
  executed: { actorKind: string; actorId: string | null } | null
}

/** The ids that no user has here. */
export async function unknownUsers(db: Executor, userIds: readonly string[]): Promise<string[]> {
  const rows = await fetchRows<{ id: string }>(
    db,
    sql`
    select id from pg_catalog.unnest(${sql.param(userIds)}::text[]) with ordinality as asked (id, position)
    where not exists (select from global_logout."user" u where u.id = asked.id) order by position`,
  )
  return rows.map(({ id }) => id)
}

export type NewIncident = Omit<typeof incident.$inferInsert, 'expiresAt'>

/** @param lifetimeSeconds until the plan expires. */
export async function insertIncident(
  tx: Executor,
  planned: NewIncident,
  lifetimeSeconds: number,
): Promise<{ id: string; expiresAt: Date }> {
  const expiresAt = sql`statement_timestamp() + pg_catalog.make_interval(secs => ${lifetimeSeconds}::double precision)`
  const { id } = incident
  const [made] = await tx
    .insert(incident)
    .values({ ...planned, expiresAt })
    .returning({ id, expiresAt: incident.expiresAt })
  if (!made) throw new Error('the insert returned no row')
  return made
}

/** Deletes the stored session ids of expired plans. */
export async function forgetExpiredPlans(tx: Executor): Promise<void> {
  const expired = tx
    .select({ id: incident.id })
    .from(incident)
    .where(and(eq(incident.state, 'planned'), isExpired))
  await tx.delete(incidentPlanned).where(inArray(incidentPlanned.incidentId, expired))
}

const isExpired = sql<boolean>`${incident.expiresAt} <= statement_timestamp()`

const { userIds: _, ...columns } = getTableColumns(incident)
const found = {
  incident: columns,
  expired: isExpired,
  executed: { actorKind: operation.actorKind, actorId: operation.actorId },
}

export async function findIncident(db: Executor, id: string): Promise<FoundIncident | null> {
  const [row] = await db
    .select(found)
    .from(incident)
    .leftJoin(operation, eq(operation.id, incident.operationId))
    .where(eq(incident.id, id))
  return row ?? null
}

export interface UnknownUsers {
  count: number
  /** The first few. */
  ids: string[]
}

/** The ids in an incident's list that no user has here. */
export async function findUnknownListedUsers(db: Executor, id: string, limit: number): Promise<UnknownUsers> {
  const rows = await fetchRows<{ id: string; count: number }>(
    db,
    sql`
    select asked.id, count(*) over ()::int as count
    from ${incident}, pg_catalog.unnest(${incident.userIds}) with ordinality as asked (id, position)
    where ${incident.id} = ${id} and not exists (select from global_logout."user" u where u.id = asked.id)
    order by position limit ${limit}`,
  )
  return { count: rows[0]?.count ?? 0, ids: rows.map((row) => row.id) }
}

/** The newest first. */
export async function listIncidents(db: Executor, limit: number): Promise<FoundIncident[]> {
  return db
    .select(found)
    .from(incident)
    .leftJoin(operation, eq(operation.id, incident.operationId))
    .orderBy(desc(incident.plannedAt), desc(incident.id))
    .limit(limit)
}

/** Locks the row of an incident until the transaction ends, and returns what its execution depends on; null without one. */
export async function lockIncident(tx: Executor, id: string) {
  const { state, reason, selection, userIds, actorKind, actorId, operationId, epoch } = incident
  const [row] = await tx
    .select({
      state,
      reason,
      selection,
      userIds,
      actorKind,
      actorId,
      operationId,
      epoch,
      expired: isExpired,
    })
    .from(incident)
    .where(eq(incident.id, id))
    .for('update')
  return row ?? null
}

/** @returns the epoch that it begins, if it is for everyone; null for another. */
export async function startIncident(tx: Executor, id: string, operationId: string): Promise<number | null> {
  const startedAt = sql`statement_timestamp()`
  const [started] = await tx
    .update(incident)
    .set({ state: 'running', operationId, startedAt })
    .where(eq(incident.id, id))
    .returning({ epoch: incident.epoch })
  return started?.epoch ?? null
}
