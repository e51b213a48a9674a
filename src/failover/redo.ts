/**
 * Carries out again one operation that the database has lost. The new operation names the lost one and keeps its actor. Its id derives
 * from the lost one's: of several processes that redo it at once, one does.
 */
import { createHash } from 'node:crypto'
import { sql } from 'drizzle-orm'
import type { Database, Transaction } from '../database/database.ts'
import { fetchRows } from '../database/rows.ts'
import type { Acknowledged, KeptPlan } from '../operations/acknowledged.ts'
import { type NewOperation, operationRow, recordOperation } from '../operations/record.ts'
import { operation } from '../operations/schema.ts'
import { revokeKey } from '../service-api/queries.ts'
import { extensionFor } from '../sessions/revoke.ts'
import { insertPlan } from '../staff/incidents/new-plan.ts'
import { lockIncident, requireApproval, startIncident } from '../staff/incidents/queries.ts'
import type { Selection } from '../staff/incidents/selector-values.ts'

/** For the plan of an incident, in milliseconds: it counts all sessions that match. */
const PLAN_MS = 60_000

export interface Redone {
  operationId: string
  /** Of the transaction that ended the sessions. */
  xid: string
  /** Sessions that were active here. */
  ended: number
}

/** The id of the operation that redoes another. */
export function redoneId(id: string): string {
  const hex = createHash('sha256').update(`redone ${id}`).digest('hex')
  const variant = ((Number.parseInt(hex[16] as string, 16) & 3) | 8).toString(16)
  return [
    hex.slice(0, 8),
    hex.slice(8, 12),
    `8${hex.slice(13, 16)}`,
    variant + hex.slice(17, 20),
    hex.slice(20, 32),
  ].join('-')
}

/** The record of the operation that redoes this one. */
const recordOf = ({ id, at, what }: Acknowledged): NewOperation => ({
  ...what,
  result: { ...what.result, redone: { operationId: id, at } },
})

/**
 * Ends the sessions again and forgets the user, as the operation did.
 * @param relock whether to set its lock again.
 * @returns null where the database has the operation, or another process redid it.
 */
export function redo(
  { transaction }: Pick<Database, 'transaction'>,
  act: Acknowledged,
  relock: boolean,
): Promise<Redone | null> {
  const operationId = redoneId(act.id)
  const record = { id: operationId, ...operationRow(recordOf(act)), taken_over: act.takenOver ?? [] }
  return transaction(async (tx) => {
    const extension = extensionFor(act.sessionIds.length)
    if (extension > 0) await tx.extend(extension)
    const [done] = await fetchRows<{ xid: string | null; ended: number }>(
      tx,
      sql`select xid, ended from global_logout.redo_operation(${JSON.stringify(record)}::jsonb,
        ${sql.param(act.sessionIds)}::uuid[], ${relock}::boolean)`,
    )
    return done?.xid ? { operationId, xid: done.xid, ended: done.ended } : null
  })
}

/** Revokes a service key again. @returns null where another process did. */
export function redoKeyRevocation(
  { transaction }: Pick<Database, 'transaction'>,
  act: Acknowledged,
): Promise<Pick<Redone, 'operationId'> | null> {
  return transaction(async (tx) => {
    const id = redoneId(act.id)
    const record = { ...recordOf(act), id, revokedCount: 0 }
    const made = await tx
      .insert(operation)
      .values(record)
      .onConflictDoNothing()
      .returning({ id: operation.id })
    if (made.length === 0) return null
    // A key that this server does not know is refused as it is.
    await revokeKey(tx, (act.what.result as { keyId: string }).keyId)
    return { operationId: id }
  })
}

/**
 * Starts the execution of an incident again, from its plan, which may be lost as well.
 * @returns null where it runs, or is done.
 */
export function restartIncident(
  { transaction }: Pick<Database, 'transaction'>,
  act: Acknowledged,
  plan: KeptPlan,
): Promise<Pick<Redone, 'operationId'> | null> {
  return transaction(async (tx) => {
    await tx.extend(PLAN_MS)
    const state = (await lockIncident(tx, plan.id))?.state ?? (await planAgain(tx, plan))
    if (state !== 'planned') return null
    const operationId = redoneId(act.id)
    await recordOperation(tx, operationId, 0, recordOf(act))
    // It was approved where that was needed: the approval may be lost, too.
    await requireApproval(tx, plan.id, false)
    await startIncident(tx, plan.id, operationId)
    return { operationId }
  })
}

async function planAgain(
  tx: Transaction,
  { id, reason, selection, lock = null, ...actor }: KeptPlan,
): Promise<'planned'> {
  await insertPlan(tx, { id, reason, selection: selection as Selection, lock }, actor)
  return 'planned'
}
