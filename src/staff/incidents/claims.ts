/**
 * Which process carries an incident out: a lease of two seconds, renewed while it works. It saves the others the work, no
 * more: two runners at once count nothing twice, because each batch counts what it deleted itself.
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

/** Makes `runner` the one that carries the incident out. @returns false when another one is at it. */
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

/** Renews the lease. @returns false when another runner has taken the incident over. */
export async function renewClaim(db: Executor, id: string, runner: string): Promise<boolean> {
  const kept = await db
    .update(incidentRunner)
    .set({ until: LEASE })
    .where(heldBy(id, runner))
    .returning({ runner: incidentRunner.runner })
  return kept.length > 0
}

/** Lets the next one begin at once. */
export async function releaseClaim(db: Executor, id: string, runner: string): Promise<void> {
  await db.delete(incidentRunner).where(heldBy(id, runner))
}

/**
 * The incidents that some process has to go on with, and that none is at; in no order, so that some which get nowhere for
 * now do not keep the others waiting.
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
