/** A new plan: counts the sessions that a selection matches, and decides whether a second person has to approve. Ends none. */
import { sql } from 'drizzle-orm'
import type { Executor } from '../../database/database.ts'
import type { NewOperation } from '../../operations/record.ts'
import { breakDown } from './breakdown.ts'
import { type Counted, type CountOptions, countMatching } from './counts.ts'
import type { IncidentLock } from './locking.ts'
import { insertIncident, type lockIncident } from './queries.ts'
import type { Breakdown } from './schema.ts'
import { listsOf, shownSelection, wholeSelection } from './selection.ts'
import { type Selection, usersOf } from './selector-values.ts'

/** Lifetime of a plan. */
const PLAN_SECONDS = 30 * 60

export interface IncidentsOptions extends CountOptions {
  /** A plan that ends the sessions of more users, or locks more, has to be approved; null: none has. */
  approvalAbove?: number | null
}

export interface InsertedPlan extends Counted {
  expiresAt: Date
  /** Users whom the selection names and who would be locked; null: those of its sessions. */
  usersToLock: number | null
  breakdown: Breakdown | null
  needsApproval: boolean
}

interface NewPlan {
  id: string
  selection: Selection
  reason: string
  lock: IncidentLock | null
}

/** Counts the sessions that a selection matches, and inserts the plan to end them. */
export async function insertPlan(
  tx: Executor,
  { id, selection, reason, lock }: NewPlan,
  { actorKind, actorId = null }: Pick<NewOperation, 'actorKind' | 'actorId'>,
  { approvalAbove = null, ...options }: IncidentsOptions = {},
): Promise<InsertedPlan> {
  const counted = await countMatching(tx, selection, id, options)
  const breakdown = counted.estimated ? null : await breakDown(tx, selection)
  const named = lock && usersOf(selection)
  const usersToLock = named ? await tx.$count(sql`(${named}) as named`) : null
  const needsApproval = approvalAbove !== null && Math.max(counted.users, usersToLock ?? 0) > approvalAbove
  const planned = {
    id,
    reason,
    selection: shownSelection(selection),
    ...listsOf(selection),
    locks: lock !== null,
    lockSeconds: lock?.seconds ?? null,
    usersToLock,
    breakdown,
    needsApproval,
    actorKind,
    actorId,
    plannedSessions: counted.sessions,
    plannedUsers: counted.users,
    estimated: counted.estimated,
    staffSessions: counted.staffSessions,
    sample: counted.sample,
  }
  const { expiresAt } = await insertIncident(tx, planned, PLAN_SECONDS)
  return { ...counted, usersToLock, breakdown, needsApproval, expiresAt }
}

/** Whether a plan that needed no approval would end the sessions of too many users by now, or lock too many. */
export async function hasGrown(
  tx: Executor,
  plan: NonNullable<Awaited<ReturnType<typeof lockIncident>>>,
  { approvalAbove = null, ...options }: IncidentsOptions,
): Promise<boolean> {
  if (approvalAbove === null) return false
  const selection = wholeSelection(plan)
  const { users } = await countMatching(tx, selection, null, options)
  const named = plan.locks && usersOf(selection)
  const toLock = named ? await tx.$count(sql`(${named}) as named`) : 0
  return Math.max(users, toLock) > approvalAbove
}
