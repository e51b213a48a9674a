/** The incident API for security staff: plan, execute, follow, report. */
import type { FastifyInstance } from 'fastify'
import fp from 'fastify-plugin'
import type { ZodTypeProvider } from 'fastify-type-provider-zod'
import { z } from 'zod'
import { sendCsv, wantsCsv } from '../../http/csv.ts'
import { callers } from '../../http/openapi/document.ts'
import { instant, nullableText, planId } from '../../http/schemas.ts'
import { endedCsv } from '../../operations/ended-sessions.ts'
import { actorOf, READ_PROBLEMS, WRITE_PROBLEMS } from '../guard.ts'
import { lockFor, reason } from '../reason.ts'
import type { Incidents } from './incidents.ts'
import type { IncidentReport } from './report.ts'
import { selection, shownSelectionSchema } from './selection.ts'

/** Bytes: 200,000 user ids of 36 characters are 8 MB. The body is read only after authentication. */
const MAX_PLAN_BODY = 16 * 1024 * 1024

const planParams = z.object({ planId })

const who = z.object({ kind: z.string(), id: nullableText })

const frequent = z.array(z.object({ value: nullableText, sessions: z.int() }))
const breakdown = z
  .object({
    addresses: frequent,
    userAgents: frequent,
    countries: frequent.describe('as the sign-ins said, ISO 3166-1 alpha-2; empty where none did'),
  })
  .nullable()
  .describe('the ten most frequent of each; null where counting them took too long')

const sample = z.array(
  z.object({
    sessionId: z.string(),
    userId: z.string(),
    ipAddress: nullableText,
    userAgent: nullableText,
    createdAt: instant,
  }),
)

const counted = {
  sessions: z.int().describe('an estimate, not a count, where `estimated` is true'),
  users: z.int().describe('an estimate, not a count, where `estimated` is true'),
  staffSessions: z.int().describe('how many of the sessions belong to staff; always counted'),
  estimated: z
    .boolean()
    .describe('whether `sessions` and `users` are estimated from a sample: too many to count'),
}

const newPlan = z.strictObject({
  reason,
  select: selection,
  lockFor: lockFor.optional(),
})

const unknownEntries = (what: string) => z.array(z.string()).describe(`entries of the selection: ${what}`)
const usersToLock = z
  .int()
  .nullable()
  .describe('with lockFor, how many users the selection names; null: those of its sessions are locked')

const plan = z.object({
  planId: z.string(),
  ...counted,
  sample: sample.describe('the newest of the sessions, at most ten; of an estimate, of those in its sample'),
  breakdown,
  approvalRequired: z
    .boolean()
    .describe('whether a second person has to approve the plan (INCIDENT_APPROVAL_ABOVE)'),
  usersToLock,
  unknownUsers: unknownEntries(
    'ids that no user has here; once the plan is executed, their sessions from before are refused',
  ),
  unknownEmails: unknownEntries('addresses that no user has here'),
  unknownSessions: unknownEntries('ids of no active session'),
  expiresAt: instant,
})

const incident = z.object({
  planId: z.string(),
  state: z.enum(['planned', 'expired', 'running', 'done']),
  reason: z.string(),
  selection: shownSelectionSchema,
  plannedBy: who,
  plannedAt: instant,
  expiresAt: instant,
  planned: z.object(counted),
  sample,
  breakdown,
  approval: z.object({ required: z.boolean(), by: who.nullable(), at: instant.nullable() }),
  lock: z
    .object({ seconds: z.int().nullable().describe('null: until staff unlock them') })
    .nullable()
    .describe('whether it locks its users'),
  usersToLock,
  locked: z.int().describe('users locked so far'),
  executedBy: who.nullable(),
  startedAt: instant.nullable(),
  finishedAt: instant.nullable(),
  durationMs: z.int().nullable(),
  operationId: nullableText.describe('the operation that every ended session is recorded under'),
  ended: z.int().describe('sessions ended so far'),
  outcome: z
    .object({
      endedPlanned: z
        .int()
        .nullable()
        .describe('null where the plan kept no list: for everyone, or estimated'),
      endedLater: z.int().nullable(),
      goneMeanwhile: z.int().nullable(),
      users: z.int(),
      staffSessions: z.int(),
      waitedMs: z.int(),
      stillOpen: z.object({ writing: z.int(), reading: z.int() }),
    })
    .nullable(),
})

export interface IncidentsApi {
  incidents: Incidents
}

async function routes(instance: FastifyInstance, { incidents }: IncidentsApi) {
  const app = instance.withTypeProvider<ZodTypeProvider>()
  const { read, write } = app.requireStaff
  const forStaff = { tags: ['staff'], security: callers.staff }

  app.post(
    '/api/admin/incidents',
    {
      onRequest: write,
      bodyLimit: MAX_PLAN_BODY,
      schema: {
        ...forStaff,
        operationId: 'planIncident',
        summary: 'Count or estimate the sessions that a selection matches; ends none',
        description:
          'With `lockFor`, the execution locks sign-in of the users that the selection names; where it names none, of the users of its sessions.',
        problems: WRITE_PROBLEMS,
        body: newPlan,
        response: { 201: plan.describe('The plan, which expires after 30 minutes.') },
      },
    },
    async (request, reply) => {
      const { reason, select, lockFor: seconds } = request.body
      const lock = seconds === undefined ? undefined : { seconds }
      const planned = await incidents.plan(select, reason, actorOf(request), { lock })
      reply.code(201)
      return { ...planned, expiresAt: planned.expiresAt.toISOString() }
    },
  )

  app.get(
    '/api/admin/incidents',
    {
      onRequest: read,
      schema: {
        ...forStaff,
        operationId: 'listIncidents',
        summary: 'Incidents, newest first',
        problems: READ_PROBLEMS,
        response: { 200: z.object({ incidents: z.array(incident) }).describe('At most 100.') },
      },
    },
    async () => ({ incidents: (await incidents.list()).map(toJson) }),
  )

  app.get(
    '/api/admin/incidents/:planId',
    {
      onRequest: read,
      schema: {
        ...forStaff,
        operationId: 'showIncident',
        summary: 'The progress or the result of an incident',
        problems: [...READ_PROBLEMS, 'incident_not_found'],
        params: planParams,
        response: { 200: incident.describe('The incident as it stands.') },
      },
    },
    async (request) => toJson(await incidents.get(request.params.planId)),
  )

  app.post(
    '/api/admin/incidents/:planId/approve',
    {
      onRequest: write,
      schema: {
        ...forStaff,
        operationId: 'approveIncident',
        summary: 'Approve the plan of another member of staff',
        problems: [...WRITE_PROBLEMS, 'incident_not_found', 'incident_not_open', 'second_person_required'],
        params: planParams,
        response: { 200: incident.describe('The incident as it stands.') },
      },
    },
    async (request) => toJson(await incidents.approve(request.params.planId, actorOf(request))),
  )

  app.post(
    '/api/admin/incidents/:planId/execute',
    {
      onRequest: write,
      schema: {
        ...forStaff,
        operationId: 'executeIncident',
        summary: 'Execute a plan (also ends sessions that match since)',
        problems: [...WRITE_PROBLEMS, 'incident_not_found', 'incident_not_open', 'approval_required'],
        params: planParams,
        response: { 202: incident.describe('The incident, which runs in the background.') },
      },
    },
    async (request, reply) => {
      const report = await incidents.execute(request.params.planId, actorOf(request))
      reply.code(202)
      return toJson(report)
    },
  )

  app.get(
    '/api/admin/incidents/:planId/report',
    {
      onRequest: read,
      schema: {
        ...forStaff,
        operationId: 'reportIncident',
        summary: 'The report of an incident',
        description: 'With `Accept: text/csv` one row for each ended session.',
        problems: [...READ_PROBLEMS, 'incident_not_found'],
        params: planParams,
        response: { 200: incident.describe('The incident as it stands.') },
      },
    },
    async (request, reply) => {
      const report = await incidents.get(request.params.planId)
      if (!wantsCsv(request.headers)) return toJson(report)
      const lines = endedCsv(incidents.endedSessions(report))
      return sendCsv(reply, `incident-${report.planId}.csv`, lines) as never
    },
  )
}

export const incidentsApi = fp(routes, {
  name: 'incidents-api',
  dependencies: ['staff-guard'],
  encapsulate: true,
})

function toJson(report: IncidentReport) {
  const { plannedAt, expiresAt, startedAt, finishedAt, approval } = report
  return {
    ...report,
    plannedAt: plannedAt.toISOString(),
    expiresAt: expiresAt.toISOString(),
    approval: { ...approval, at: approval.at?.toISOString() ?? null },
    startedAt: startedAt?.toISOString() ?? null,
    finishedAt: finishedAt?.toISOString() ?? null,
  }
}
