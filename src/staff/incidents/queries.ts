/** The queries of incidents. Those that count sessions are in `counts.ts`, those that end them in `steps.ts`. */
import { and, desc, eq, getTableColumns, inArray, isNotNull, or, sql } from 'drizzle-orm'
import type { Executor } from '../../database/database.ts'
import { operation } from '../../operations/schema.ts'
import { type Incident, incident, incidentPlanned } from './schema.ts'

/** An incident with the actor of its execution, without its lists, which may be long. */
export interface FoundIncident {
  incident: Omit<Incident, 'userIds' | 'emails' | 'sessionIds'>
  /** By the database's clock. */
  expired: boolean
  executed: { actorKind: string; actorId: string | null } | null
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

/** What a plan holds of persons that nothing needs once it is done or expired. */
export const NOT_KEPT = { emails: null, breakdown: null }

/** Deletes the stored session ids and addresses of expired plans. */
export async function forgetExpiredPlans(tx: Executor): Promise<void> {
  const expired = tx
    .select({ id: incident.id })
    .from(incident)
    .where(and(eq(incident.state, 'planned'), isExpired))
  await tx.delete(incidentPlanned).where(inArray(incidentPlanned.incidentId, expired))
  await tx
    .update(incident)
    .set(NOT_KEPT)
    .where(
      and(
        eq(incident.state, 'planned'),
        isExpired,
        or(isNotNull(incident.emails), isNotNull(incident.breakdown)),
      ),
    )
}

const isExpired = sql<boolean>`${incident.expiresAt} <= statement_timestamp()`

const { userIds: _, emails: __, sessionIds: ___, ...columns } = getTableColumns(incident)
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
  const { id: _, sample: __, breakdown: ___, outcome: ____, ...columns } = getTableColumns(incident)
  const [row] = await tx
    .select({ ...columns, expired: isExpired })
    .from(incident)
    .where(eq(incident.id, id))
    .for('update')
  return row ?? null
}

/** Records that a second person approved it. */
export async function approveIncident(
  tx: Executor,
  id: string,
  { actorKind, actorId = null }: Pick<typeof operation.$inferInsert, 'actorKind' | 'actorId'>,
): Promise<void> {
  await tx
    .update(incident)
    .set({ approverKind: actorKind, approverId: actorId, approvedAt: sql`statement_timestamp()` })
    .where(eq(incident.id, id))
}

/** Says whether it has to be approved before it is executed. */
export async function requireApproval(tx: Executor, id: string, needsApproval: boolean): Promise<void> {
  await tx.update(incident).set({ needsApproval }).where(eq(incident.id, id))
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
