/** The console's incident pages: compose, plan, confirm, follow, report. */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { ZodTypeProvider } from 'fastify-type-provider-zod'
import { z } from 'zod'
import type { Config } from '../../config.ts'
import type { Database } from '../../database/database.ts'
import { Problem, unavailable } from '../../errors.ts'
import { sendCsv } from '../../http/csv.ts'
import { logServerError, sendProblem, toProblem } from '../../http/problems.ts'
import { cursor, planId, text } from '../../http/schemas.ts'
import { endedCsv } from '../../operations/ended-sessions.ts'
import type { CookieSettings } from '../../sessions/guards.ts'
import { displayNames } from '../display-names.ts'
import { changeHooks, entered, formErrors, formHooks, send, viewerOf } from '../forms.ts'
import { actorOf, hasSignedInWithin, requireSecurityRole } from '../guard.ts'
import type { FormErrors } from '../views/parts.ts'
import { lockText, omittedLists, readForm, toFormInput } from './form.ts'
import type { Incidents } from './incidents.ts'
import { isLarge } from './planned.ts'
import type { IncidentReport } from './report.ts'
import type { SelectorName } from './selectors.ts'
import { selectionOfQuery, signedInQuery } from './signed-in-routes.ts'
import { type IncidentInput, incidentForm } from './views/incident-form.ts'
import { incidentPage } from './views/incident-page.ts'
import { incidentsPage } from './views/incidents-page.ts'
import { signedInPage } from './views/signed-in-page.ts'

/** Bytes: 200,000 user ids of 36 characters, one per line, form-encoded. */
const MAX_FORM = 16 * 1024 * 1024
/** Concurrent previews per process: counting a million sessions takes a second. */
const PREVIEWS_AT_ONCE = 2

const onePlan = z.object({ planId })

export interface IncidentPages {
  incidents: Incidents
  database: Pick<Database, 'run'>
  config: Pick<Config, 'staffMaxAuthAgeSeconds'>
  cookieSettings: CookieSettings
}

export async function incidentPages(
  instance: FastifyInstance,
  { incidents, database, config, cookieSettings }: IncidentPages,
) {
  const app = instance.withTypeProvider<ZodTypeProvider>()
  const write = changeHooks(app, cookieSettings)
  const isRecent = (request: FastifyRequest) => hasSignedInWithin(config.staffMaxAuthAgeSeconds, request)
  const form = (
    request: FastifyRequest,
    reply: FastifyReply,
    given: { entered: IncidentInput; errors?: FormErrors; omitted?: SelectorName[] },
  ) =>
    send(
      reply,
      incidentForm({ viewer: viewerOf(request), isRecent: isRecent(request), errors: {}, ...given }),
    )
  const show = async (
    request: FastifyRequest,
    reply: FastifyReply,
    incident: IncidentReport,
    errors: FormErrors = {},
  ) => {
    const { sample, selection, plannedBy, executedBy } = incident
    const ids = [
      ...sample.map(({ userId }) => userId),
      ...(selection.userIds ?? []),
      plannedBy.id,
      executedBy?.id,
      incident.approval.by?.id,
    ]
    const names = await database.run((db) => displayNames(db, ids))
    const unknown = incident.state === 'planned' ? await incidents.unknown(incident.planId) : null
    return send(
      reply,
      incidentPage({
        viewer: viewerOf(request),
        incident,
        unknown,
        names,
        isRecent: isRecent(request),
        errors,
      }),
    )
  }

  app.get('/sessions', async (request, reply) => {
    const { cursor: at = null, ...given } = z
      .object({ ip: text.trim(), userAgent: text.trim(), cursor })
      .partial()
      .catch({})
      .parse(request.query)
    const asked = Object.fromEntries(Object.entries(given).filter(([, value]) => value))
    const read = signedInQuery.safeParse(asked)
    const isEmpty = Object.keys(asked).length === 0
    return send(
      read.success ? reply : reply.code(400),
      signedInPage({
        viewer: viewerOf(request),
        entered: given,
        errors: read.success ? {} : formErrors(read.error),
        page: read.success && !isEmpty ? await incidents.signedIn(selectionOfQuery(read.data), at) : null,
        isFirst: at === null,
      }),
    )
  })

  app.get('/incidents', async (request, reply) =>
    send(reply, incidentsPage({ viewer: viewerOf(request), incidents: await incidents.list() })),
  )

  app.get(
    '/incidents/new',
    {
      onRequest: requireSecurityRole,
      schema: {
        querystring: z.object({
          from: planId.optional().catch(undefined),
          userIds: text.optional().catch(undefined),
          ipRange: text.optional().catch(undefined),
          userAgent: text.optional().catch(undefined),
          sessionIds: z.preprocess((given) => [given ?? []].flat(), z.array(text)).catch([]),
        }),
      },
    },
    async (request, reply) => {
      const { from, sessionIds, ...given } = request.query
      if (!from) return form(request, reply, { entered: { ...given, sessionIds: sessionIds.join('\n') } })
      const { reason, selection, lock } = await incidents.get(from)
      return form(request, reply, {
        entered: { reason, ...toFormInput(selection), ...(lock && { lockFor: lockText(lock) }) },
        omitted: omittedLists(selection),
      })
    },
  )

  app.post('/incidents', { ...write, bodyLimit: MAX_FORM }, async (request, reply) => {
    const given = entered(request.body)
    const { select, why, lock, errors } = readForm(given)
    if (!select || why === undefined || errors.lockFor)
      return form(request, reply.code(400), { entered: given, errors })
    const { planId } = await incidents.plan(select, why, actorOf(request), { lock })
    return reply.redirect(request.view.site.path(`/admin/incidents/${planId}`), 303)
  })

  let previews = 0
  app.post(
    '/incidents/preview',
    {
      ...formHooks(cookieSettings),
      bodyLimit: MAX_FORM,
      errorHandler: (error, request, reply) =>
        void sendProblem(
          reply,
          logServerError(toProblem(error), () => request.log),
        ),
    },
    async (request) => {
      const { select, errors } = readForm(entered(request.body))
      if (!select) {
        const [field = 'select', detail = ''] =
          Object.entries(errors).find(([name]) => name !== 'reason' && name !== 'lockFor') ?? []
        throw new Problem('invalid_request', detail, { field })
      }
      if (previews >= PREVIEWS_AT_ONCE) throw unavailable(new Error('too many previews at once'))
      previews++
      try {
        const { sample: _, ...counted } = await incidents.preview(select)
        return counted
      } finally {
        previews--
      }
    },
  )

  app.get('/incidents/:planId', { schema: { params: onePlan } }, async (request, reply) =>
    show(request, reply, await incidents.get(request.params.planId)),
  )

  app.post(
    '/incidents/:planId/approve',
    { ...write, schema: { params: onePlan } },
    async (request, reply) => {
      const { planId } = await incidents.approve(request.params.planId, actorOf(request))
      return reply.redirect(request.view.site.path(`/admin/incidents/${planId}`), 303)
    },
  )

  app.post(
    '/incidents/:planId/execute',
    { ...write, schema: { params: onePlan } },
    async (request, reply) => {
      const { planId } = request.params
      const { confirm, typed = '' } = entered(request.body)
      const incident = await incidents.get(planId)
      const errors = {
        ...(confirm !== 'yes' && { confirm: 'Tick the box to confirm.' }),
        ...(isLarge(incident) &&
          incident.state === 'planned' &&
          typed.replace(/[\s,.']/g, '') !== String(incident.planned.sessions) && {
            typed: `Type the number of sessions: ${incident.planned.sessions}.`,
          }),
      }
      if (Object.keys(errors).length > 0) return show(request, reply.code(400), incident, errors)
      await incidents.execute(planId, actorOf(request))
      return reply.redirect(request.view.site.path(`/admin/incidents/${planId}`), 303)
    },
  )

  // "Try again" on an error page requests the failed URL with GET.
  app.get('/incidents/:planId/execute', { schema: { params: onePlan } }, async (request, reply) =>
    reply.redirect(request.view.site.path(`/admin/incidents/${request.params.planId}`), 303),
  )

  app.get('/incidents/:planId/report.csv', { schema: { params: onePlan } }, async (request, reply) => {
    const incident = await incidents.get(request.params.planId)
    const lines = endedCsv(incidents.endedSessions(incident))
    return sendCsv(reply, `incident-${incident.planId}.csv`, lines)
  })
}
