/** The incident API for security staff: plan, execute, follow, report. */
import type { FastifyInstance } from 'fastify'
import fp from 'fastify-plugin'
import type { ZodTypeProvider } from 'fastify-type-provider-zod'
import { z } from 'zod'
import { sendCsv, wantsCsv } from '../../http/csv.ts'
import { callers } from '../../http/openapi/document.ts'
import { endedCsv } from '../../operations/ended-sessions.ts'
import { actorOf, READ_PROBLEMS, WRITE_PROBLEMS } from '../guard.ts'
import type { Incidents } from './incidents.ts'
import type { IncidentReport } from './report.ts'
import { incident, newPlan, plan, planParams } from './schemas.ts'

/** Bytes: 200,000 user ids of 36 characters are 8 MB. The body is read only after authentication. */
const MAX_PLAN_BODY = 16 * 1024 * 1024

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
