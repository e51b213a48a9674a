/**
 * Incidents: end many sessions in one operation. A plan counts the matching sessions in one snapshot and ends none. Its
 * execution starts once; `run.ts` does the work. Every step is an operation.
 */

import { type Database, type Executor, withoutDeadline } from '../../database/database.ts'
import type { Reads } from '../../database/reads.ts'
import { Problem, unavailable } from '../../errors.ts'
import type { AfterCommit } from '../../leases/after-commit.ts'
import type { AcknowledgedActs, Act } from '../../operations/acknowledged.ts'
import { allEndedBy } from '../../operations/ended-sessions.ts'
import { type NewOperation, recordOperationWithoutRevocations } from '../../operations/record.ts'
import type { RevokedSession } from '../../operations/schema.ts'
import type { RequestSource } from '../../sessions/log-in.ts'
import { currentXid } from '../../sessions/queries.ts'
import { type Counted, type CountOptions, countMatching } from './counts.ts'
import {
  findIncident,
  findUnknownListedUsers,
  forgetExpiredPlans,
  insertIncident,
  listIncidents,
  lockIncident,
  startIncident,
  type UnknownUsers,
  unknownUsers,
} from './queries.ts'
import { type IncidentReport, reportOf } from './report.ts'
import { shownSelection, wholeSelection } from './selection.ts'
import type { Selection } from './selector-values.ts'

/** Lifetime of a plan. */
const PLAN_SECONDS = 30 * 60
/** Counting a million sessions takes seconds; this is enough for ten million. */
const COUNT_MS = 60_000
/** Concurrent plans per process: each holds a connection of the pool that logouts use. */
const PLANS_AT_ONCE = 2
const MAX_LISTED = 100
/** Unknown user ids that are returned at most. */
const MAX_UNKNOWN = 10

/** The actor and the origin of the request. */
export type IncidentActor = Pick<NewOperation, 'actorKind' | 'actorId' | 'actorSessionId'> & RequestSource

export interface Plan extends Counted {
  planId: string
  expiresAt: Date
  /** Ids in the selection that no user has here. An execution refuses their sessions from before: see `take_over()`. */
  unknownUsers: string[]
}

export type Incidents = ReturnType<typeof createIncidents>

export function createIncidents(
  { run, transaction }: Pick<Database, 'run' | 'transaction'>,
  afterCommit: AfterCommit,
  acknowledged: Pick<AcknowledgedActs, 'keep'>,
  options: CountOptions = {},
  reads: Pick<Reads, 'transaction'> = { transaction },
) {
  /** @throws Problem `incident_not_found`. */
  async function get(planId: string): Promise<IncidentReport> {
    const found = await run((db) => findIncident(db, planId))
    if (!found) throw notFound()
    return reportOf(found)
  }

  let planning = 0
  async function limitPlans<T>(work: () => Promise<T>): Promise<T> {
    if (planning >= PLANS_AT_ONCE) throw unavailable(new Error('too many plans at once'))
    planning++
    return withoutDeadline(work).finally(() => planning--)
  }

  return {
    /** Counts the sessions that a selection matches, maybe on a replica; records nothing. */
    preview: (selection: Selection): Promise<Counted> =>
      withoutDeadline(() =>
        reads.transaction(async (tx) => {
          await tx.extend(COUNT_MS)
          return countMatching(tx, selection, null, options)
        }),
      ),

    /** Plans to end the sessions that a selection matches; ends none. @throws Problem `unavailable`. */
    plan: (selection: Selection, reason: string, actor: IncidentActor): Promise<Plan> =>
      limitPlans(() =>
        transaction(async (tx) => {
          await tx.extend(COUNT_MS)
          await forgetExpiredPlans(tx)
          const id = crypto.randomUUID()
          const { sample, expiresAt, ...counted } = await insertPlan(
            tx,
            id,
            selection,
            reason,
            actor,
            options,
          )
          const unknownUserIds = selection.userIds ? await unknownUsers(tx, selection.userIds) : []
          const result = { planId: id, ...counted, unknownUsers: unknownUserIds.length }
          await recordOperationWithoutRevocations(tx, {
            ...actor,
            kind: 'incident.plan',
            reason,
            selection: shownSelection(selection),
            result,
          })
          return { planId: id, ...counted, sample, expiresAt, unknownUsers: unknownUserIds }
        }),
      ),

    /**
     * Starts the execution of a plan. It ends the matching sessions of all sign-ins that began before its commit. One for everyone
     * has ended them all when this resolves. A second call changes nothing.
     * @throws Problem `incident_not_found`, `incident_not_open` when the plan has expired.
     */
    async execute(planId: string, actor: IncidentActor): Promise<IncidentReport> {
      const { xid, operationId, epoch, acts } = await withoutDeadline(() =>
        transaction(async (tx) => {
          // A list of 200,000 users takes a second.
          await tx.extend(COUNT_MS)
          const plan = await lockIncident(tx, planId)
          if (!plan) throw notFound()
          const xid = await currentXid(tx)
          if (plan.state !== 'planned') return { xid, ...plan, acts: [] }
          if (plan.expired) throw new Problem('incident_not_open', 'The plan has expired. Plan again.')
          const { reason, selection, actorKind, actorId } = plan
          const what = { ...actor, kind: 'incident.execute' as const, reason, selection, result: { planId } }
          const operationId = await recordOperationWithoutRevocations(tx, what)
          const epoch = await startIncident(tx, planId, operationId)
          const kept = { id: planId, reason, selection: wholeSelection(plan), actorKind, actorId }
          const acts: Act[] = [{ id: operationId, what, sessionIds: [], plan: kept }]
          return { xid, operationId, epoch, acts }
        }),
      )
      if (epoch === null) await acknowledged.keep(acts)
      else await afterCommit(xid, operationId, acts)
      return get(planId)
    },

    get,

    /** How many ids in a plan no user has here now, and the first few of them. */
    unknownUsers: (planId: string): Promise<UnknownUsers> =>
      withoutDeadline(() =>
        transaction(async (tx) => {
          await tx.extend(COUNT_MS)
          return findUnknownListedUsers(tx, planId, MAX_UNKNOWN)
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

/** Counts the sessions that a selection matches, and inserts the plan to end them. */
export async function insertPlan(
  tx: Executor,
  id: string,
  selection: Selection,
  reason: string,
  { actorKind, actorId = null }: Pick<NewOperation, 'actorKind' | 'actorId'>,
  options: CountOptions = {},
): Promise<Counted & { expiresAt: Date }> {
  const counted = await countMatching(tx, selection, id, options)
  const planned = {
    id,
    reason,
    selection: shownSelection(selection),
    userIds: selection.userIds ?? null,
    actorKind,
    actorId,
    plannedSessions: counted.sessions,
    plannedUsers: counted.users,
    estimated: counted.estimated,
    staffSessions: counted.staffSessions,
    sample: counted.sample,
  }
  const { expiresAt } = await insertIncident(tx, planned, PLAN_SECONDS)
  return { ...counted, expiresAt }
}

function notFound(): Problem {
  return new Problem('incident_not_found', 'No incident has this id.')
}
