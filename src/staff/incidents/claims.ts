/**
 * Claims: the process that executes an incident holds a lease of two seconds and renews it. Claims only save duplicate work:
 * two runners at once count nothing twice, because each batch counts the rows that it deleted itself.
 */
import { and, eq, sql } from 'drizzle-orm'
import type { Executor } from '../../database/database.ts'
import { incident, incidentRunner } from './schema.ts'

const LEASE = sql`clock_timestamp() + interval '2 seconds'`
/** How often a runner renews its lease. */
export const RENEW_MS = 500

const isHeld = sql`${incidentRunner.until} > clock_timestamp()`
const heldBy = (id: string, runner: string) =>
  and(eq(incidentRunner.incidentId, id), eq(incidentRunner.runner, runner))

/** Claims the incident for `runner`. @returns false when another runner holds it. */
export async function claimIncident(db: Executor, id: string, runner: string): Promise<boolean> {
  const taken = await db
    .insert(incidentRunner)
    .values({ incidentId: id, runner, until: LEASE })
    .onConflictDoUpdate({
      target: incidentRunner.incidentId,
      set: { runner, until: LEASE },
      setWhere: sql`not ${isHeld}`,
    })
    .returning({ runner: incidentRunner.runner })
  return taken.length > 0
}

/** Renews the lease. @returns false when another runner has claimed the incident. */
export async function renewClaim(db: Executor, id: string, runner: string): Promise<boolean> {
  const kept = await db
    .update(incidentRunner)
    .set({ until: LEASE })
    .where(heldBy(id, runner))
    .returning({ runner: incidentRunner.runner })
  return kept.length > 0
}

/** Ends the lease, so that another runner can start at once. */
export async function releaseClaim(db: Executor, id: string, runner: string): Promise<void> {
  await db.delete(incidentRunner).where(heldBy(id, runner))
}

/**
 * Running incidents without a runner, in random order, so that blocked incidents do not delay the others.
 */
export async function unclaimedIncidents(db: Executor): Promise<string[]> {
  const rows = await db
    .select({ id: incident.id })
    .from(incident)
    .leftJoin(incidentRunner, and(eq(incidentRunner.incidentId, incident.id), isHeld))
    .where(and(eq(incident.state, 'running'), sql`${incidentRunner.runner} is null`))
    .orderBy(sql`random()`)
  return rows.map(({ id }) => id)
}
