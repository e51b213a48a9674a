/** An incident as callers see it: a plan, then its execution, then its report. */
import type { Counted } from './counts.ts'
import type { IncidentLock } from './locking.ts'
import type { FoundIncident } from './queries.ts'
import type { Breakdown, IncidentOutcome, IncidentSample, ShownSelection } from './schema.ts'

interface Actor {
  kind: string
  id: string | null
}

/** An incident as it stands. Once it is done, this is its report. */
export interface IncidentReport {
  planId: string
  state: 'planned' | 'expired' | 'running' | 'done'
  reason: string
  selection: ShownSelection
  plannedBy: Actor
  plannedAt: Date
  expiresAt: Date
  /** What the plan counted. */
  planned: Omit<Counted, 'sample'>
  sample: IncidentSample[]
  /** Null where that took too long, or was not counted. */
  breakdown: Breakdown | null
  /** Whether a second person has to approve the plan, and who did. */
  approval: { required: boolean; by: Actor | null; at: Date | null }
  /** How long it locks its users; null: it locks none. */
  lock: IncidentLock | null
  /** Users whom the plan would lock; null: those of its sessions. */
  usersToLock: number | null
  /** Users locked so far. */
  locked: number
  executedBy: Actor | null
  startedAt: Date | null
  finishedAt: Date | null
  durationMs: number | null
  /** The operation that every ended session is recorded under. */
  operationId: string | null
  /** Sessions ended so far. */
  ended: number
  outcome: IncidentOutcome | null
}

export function reportOf({ incident, expired, executed }: FoundIncident): IncidentReport {
  const { startedAt, finishedAt } = incident
  return {
    planId: incident.id,
    state: incident.state === 'planned' && expired ? 'expired' : incident.state,
    reason: incident.reason,
    selection: incident.selection,
    plannedBy: { kind: incident.actorKind, id: incident.actorId },
    plannedAt: incident.plannedAt,
    expiresAt: incident.expiresAt,
    planned: {
      sessions: incident.plannedSessions,
      users: incident.plannedUsers,
      estimated: incident.estimated,
      staffSessions: incident.staffSessions,
    },
    sample: incident.sample,
    breakdown: incident.breakdown,
    approval: {
      required: incident.needsApproval,
      by: incident.approverKind && { kind: incident.approverKind, id: incident.approverId },
      at: incident.approvedAt,
    },
    lock: incident.locks ? { seconds: incident.lockSeconds } : null,
    usersToLock: incident.usersToLock,
    locked: incident.locked,
    executedBy: executed && { kind: executed.actorKind, id: executed.actorId },
    startedAt,
    finishedAt,
    durationMs: startedAt && finishedAt && finishedAt.getTime() - startedAt.getTime(),
    operationId: incident.operationId,
    ended: incident.ended,
    outcome: incident.outcome,
  }
}
