import { type Database, withoutDeadline } from '../../database/database.ts'
import type { Reads } from '../../database/reads.ts'
import { Problem, unavailable } from '../../errors.ts'
import type { AfterCommit } from '../../leases/after-commit.ts'
import type { AcknowledgedActs, Act } from '../../operations/acknowledged.ts'
import { allEndedBy } from '../../operations/ended-sessions.ts'
import { type NewOperation, recordOperationWithoutRevocations } from '../../operations/record.ts'
import type { RevokedSession } from '../../operations/schema.ts'
import type { RequestSource } from '../../sessions/log-in.ts'
import { currentXid } from '../../sessions/queries.ts'
import { type Counted, countMatching } from './counts.ts'
import type { IncidentLock } from './locking.ts'
import { hasGrown, type IncidentsOptions, type InsertedPlan, insertPlan } from './new-plan.ts'
import {
  approveIncident,
  findIncident,
  forgetExpiredPlans,
  listIncidents,
  lockIncident,
  requireApproval,
  startIncident,
} from './queries.ts'
import { type IncidentReport, reportOf } from './report.ts'
import { shownSelection, wholeSelection } from './selection.ts'
import type { Selection } from './selector-values.ts'
import { listSignedIn, type SignedInPage } from './signed-in.ts'
import { type AllUnknown, type UnknownEntries, unknownIn, unknownOf } from './unknown.ts'

/** Counting a million sessions takes seconds; this is enough for ten million. */
const COUNT_MS = 60_000
/** Concurrent plans per process, and as many searches. */
const AT_ONCE = 2
const MAX_LISTED = 100
/** Unknown entries of each list that a page shows at most. */
const MAX_UNKNOWN = 10

/** The actor and the origin of the request. */
export type IncidentActor = Pick<NewOperation, 'actorKind' | 'actorId' | 'actorSessionId'> & RequestSource

/** The unknown ids of users: an execution refuses their sessions from before, see `take_over()`. */
export interface Plan extends Counted, AllUnknown, Pick<InsertedPlan, 'usersToLock' | 'breakdown'> {
  planId: string
  expiresAt: Date
  /** Whether a second person has to approve it. */
  approvalRequired: boolean
}

export interface PlanOptions {
  /** Locks the users as it executes. Not for everyone. */
  lock?: IncidentLock | undefined
}

export type Incidents = ReturnType<typeof createIncidents>

export function createIncidents(
  { run, transaction }: Pick<Database, 'run' | 'transaction'>,
  afterCommit: AfterCommit,
  acknowledged: Pick<AcknowledgedActs, 'keep'>,
  options: IncidentsOptions = {},
  reads: Pick<Reads, 'transaction'> = { transaction },
) {
  /** @throws Problem `incident_not_found`. */
  async function get(planId: string): Promise<IncidentReport> {
    const found = await run((db) => findIncident(db, planId))
    if (!found) throw notFound()
    return reportOf(found)
  }

  /** Refuses what would be one too many at once: each holds a connection of the pool that logouts use. */
  function limited(what: string) {
    let working = 0
    return async <T>(work: () => Promise<T>): Promise<T> => {
      if (working >= AT_ONCE) throw unavailable(new Error(`too many ${what} at once`))
      working++
      return withoutDeadline(work).finally(() => working--)
    }
  }
  const limitPlans = limited('plans')
  const limitSearches = limited('searches')

  return {
    /** Counts the sessions that a selection matches, maybe on a replica; records nothing. */
    preview: (selection: Selection): Promise<Counted> =>
      withoutDeadline(() =>
        reads.transaction(async (tx) => {
          await tx.extend(COUNT_MS)
          return countMatching(tx, selection, null, options)
        }),
      ),

    /** The active sessions that a selection matches, in pages, maybe from a replica. @throws Problem `invalid_request`, `unavailable`. */
    signedIn: (selection: Selection, cursor: string | null = null, limit?: number): Promise<SignedInPage> =>
      limitSearches(() =>
        reads.transaction(async (tx) => {
          await tx.extend(COUNT_MS)
          return listSignedIn(tx, selection, cursor, limit)
        }),
      ),

    /** Plans to end the sessions that a selection matches; ends none. @throws Problem `invalid_request`, `unavailable`. */
    plan: async (
      selection: Selection,
      reason: string,
      actor: IncidentActor,
      { lock }: PlanOptions = {},
    ): Promise<Plan> => {
      if (lock && selection.everyone) throw new Problem('invalid_request', LOCKS_ALL, { field: 'lockFor' })
      return limitPlans(() =>
        transaction(async (tx) => {
          await tx.extend(COUNT_MS)
          await forgetExpiredPlans(tx)
          const id = crypto.randomUUID()
          const what = { id, selection, reason, lock: lock ?? null }
          const inserted = await insertPlan(tx, what, actor, options)
          const { sample, expiresAt, usersToLock, breakdown, needsApproval, ...counted } = inserted
          const unknown = await unknownIn(tx, selection)
          const counts = Object.entries(unknown).flatMap(([list, { length }]) =>
            length > 0 ? [[list, length]] : [],
          )
          const result = {
            planId: id,
            ...counted,
            ...Object.fromEntries(counts),
            ...(lock && { lockFor: lock.seconds ?? 'forever', usersToLock }),
            ...(needsApproval && { approvalRequired: true }),
          }
          await recordOperationWithoutRevocations(tx, {
            ...actor,
            kind: 'incident.plan',
            reason,
            selection: shownSelection(selection),
            result,
          })
          return {
            planId: id,
            ...counted,
            ...{ usersToLock, sample, breakdown, approvalRequired: needsApproval, expiresAt },
            ...unknown,
          }
        }),
      )
    },

    /**
     * Starts the execution of a plan. It ends the matching sessions of all sign-ins that began before its commit. One for everyone
     * has ended them all when this resolves. A second call changes nothing.
     * @throws Problem `incident_not_found`, `incident_not_open` when the plan has expired, `approval_required`.
     */
    async execute(planId: string, actor: IncidentActor): Promise<IncidentReport> {
      const started = await withoutDeadline(() =>
        transaction(async (tx) => {
          // A list of 200,000 users takes a second.
          await tx.extend(COUNT_MS)
          const plan = await lockIncident(tx, planId)
          if (!plan) throw notFound()
          const xid = await currentXid(tx)
          if (plan.state !== 'planned') return { xid, ...plan, acts: [] }
          if (plan.expired) throw new Problem('incident_not_open', 'The plan has expired. Plan again.')
          if (!plan.approvedAt && (plan.needsApproval || (await hasGrown(tx, plan, options)))) {
            await requireApproval(tx, planId, true)
            return null
          }
          const { reason, selection, actorKind, actorId, locks, lockSeconds } = plan
          const what = { ...actor, kind: 'incident.execute' as const, reason, selection, result: { planId } }
          const operationId = await recordOperationWithoutRevocations(tx, what)
          const epoch = await startIncident(tx, planId, operationId)
          const lock = locks ? { seconds: lockSeconds } : null
          const kept = { id: planId, reason, selection: wholeSelection(plan), lock, actorKind, actorId }
          const acts: Act[] = [{ id: operationId, what, sessionIds: [], plan: kept }]
          return { xid, operationId, epoch, acts }
        }),
      )
      if (!started)
        throw new Problem('approval_required', 'Another member of staff has to approve this plan first.')
      const { xid, operationId, epoch, acts } = started
      if (epoch === null) await acknowledged.keep(acts)
      else await afterCommit(xid, operationId, acts)
      return get(planId)
    },

    /**
     * Approves a plan, so that it can be executed. A second approval, or one that is not needed, changes nothing.
     * @throws Problem `incident_not_found`, `incident_not_open`, `second_person_required` for the planner, and for a service key.
     */
    async approve(planId: string, actor: IncidentActor): Promise<IncidentReport> {
      await transaction(async (tx) => {
        const plan = await lockIncident(tx, planId)
        if (!plan) throw notFound()
        if (plan.state !== 'planned' || plan.approvedAt || !plan.needsApproval) return
        if (plan.expired) throw new Problem('incident_not_open', 'The plan has expired. Plan again.')
        if (actor.actorKind === 'service')
          throw new Problem('second_person_required', 'A service key is not a person.')
        if (plan.actorKind === 'service')
          throw new Problem(
            'second_person_required',
            'A service key planned it, whose holder could approve it, too. Plan it as a person.',
          )
        if (actor.actorKind === plan.actorKind && actor.actorId === plan.actorId)
          throw new Problem('second_person_required', 'Who planned it cannot approve it.')
        const what = { ...actor, kind: 'incident.approve' as const, reason: plan.reason, result: { planId } }
        await recordOperationWithoutRevocations(tx, what)
        await approveIncident(tx, planId, actor)
      })
      return get(planId)
    },

    get,

    /** How many entries of a plan's lists fit nothing here now, and the first few of each. */
    unknown: (planId: string): Promise<UnknownEntries> =>
      limitSearches(() =>
        transaction(async (tx) => {
          await tx.extend(COUNT_MS)
          return unknownOf(tx, planId, MAX_UNKNOWN)
        }),
      ),

    /** The newest, at most 100. */
    list: async (): Promise<IncidentReport[]> =>
      (await run((db) => listIncidents(db, MAX_LISTED))).map(reportOf),

    /** The sessions that an incident has ended, in the order in which they were ended. */
    async *endedSessions({
      operationId,
    }: Pick<IncidentReport, 'operationId'>): AsyncGenerator<RevokedSession> {
      if (operationId) yield* allEndedBy({ run }, operationId)
    },
  }
}

const LOCKS_ALL = 'lockFor: cannot be given with everyone, which would lock all staff, too'

function notFound(): Problem {
  return new Problem('incident_not_found', 'No incident has this id.')
}
