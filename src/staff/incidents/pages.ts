/** The console's incident pages: compose, plan, confirm, follow, report. */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { ZodTypeProvider } from 'fastify-type-provider-zod'
import { z } from 'zod'
import type { Config } from '../../config.ts'
import type { Database } from '../../database/database.ts'
import { Problem, unavailable } from '../../errors.ts'
import { sendCsv } from '../../http/csv.ts'
import { logServerError, sendProblem, toProblem } from '../../http/problems.ts'
import { planId, text } from '../../http/schemas.ts'
import { endedCsv } from '../../operations/ended-sessions.ts'
import type { CookieSettings } from '../../sessions/guards.ts'
import { displayNames } from '../display-names.ts'
import { changeHooks, entered, formErrors, formHooks, parseUtcInstant, send, viewerOf } from '../forms.ts'
import { actorOf, hasSignedInWithin, requireSecurityRole } from '../guard.ts'
import { reason } from '../reason.ts'
import type { FormErrors } from '../views/parts.ts'
import type { Incidents } from './incidents.ts'
import type { IncidentReport } from './report.ts'
import type { ShownSelection } from './schema.ts'
import { selection } from './selection.ts'
import type { Selection } from './selector-values.ts'
import { partsOf, SELECTORS, type SelectorKind } from './selectors.ts'
import { type IncidentInput, incidentForm } from './views/incident-form.ts'
import { incidentPage } from './views/incident-page.ts'
import { incidentsPage } from './views/incidents-page.ts'

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
    given: { entered: IncidentInput; errors?: FormErrors; userListOmitted?: boolean },
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
    ]
    const names = await database.run((db) => displayNames(db, ids))
    const unknown = incident.state === 'planned' ? await incidents.unknownUsers(incident.planId) : null
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
        }),
      },
    },
    async (request, reply) => {
      const { from, userIds } = request.query
      if (!from) return form(request, reply, { entered: { userIds } })
      const { reason, selection } = await incidents.get(from)
      return form(request, reply, {
        entered: { reason, ...toFormInput(selection) },
        userListOmitted: 'userCount' in selection,
      })
    },
  )

  app.post('/incidents', { ...write, bodyLimit: MAX_FORM }, async (request, reply) => {
    const given = entered(request.body)
    const { select, why, errors } = readForm(given)
    if (!select || why === undefined) return form(request, reply.code(400), { entered: given, errors })
    const { planId } = await incidents.plan(select, why, actorOf(request))
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
          Object.entries(errors).find(([name]) => name !== 'reason') ?? []
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
    '/incidents/:planId/execute',
    { ...write, schema: { params: onePlan } },
    async (request, reply) => {
      const { planId } = request.params
      if (entered(request.body).confirm !== 'yes') {
        const errors = { confirm: 'Tick the box to confirm.' }
        return show(request, reply.code(400), await incidents.get(planId), errors)
      }
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

/** Reads the form into a selection and a reason, or into errors by field. */
function readForm(given: IncidentInput): { select?: Selection; why?: string; errors: FormErrors } {
  const errors: Record<string, string> = {}
  const parts: Record<string, unknown> = {}
  for (const { name, kind } of SELECTORS) {
    const text = given[name]?.trim()
    if (!text) continue
    const value = parseInput(kind, text)
    if (value === null) errors[name] = 'must be a date and a time, such as 2026-11-24T13:00'
    else parts[name] = value
  }
  const isEmpty = Object.keys({ ...parts, ...errors }).length === 0
  const why = reason.safeParse(given.reason)
  if (!why.success) errors.reason = why.error.issues[0]?.message ?? 'must say why'
  const read = isEmpty ? null : selection.safeParse(parts)
  if (!read) errors.select = 'Fill in at least one field, or tick "Everyone".'
  else if (!read.success) Object.assign(errors, formErrors(read.error, 'select'))
  const wrong = Object.keys(errors).some((name) => name !== 'reason')
  return {
    ...(read?.success && !wrong && { select: read.data }),
    ...(why.success && { why: why.data }),
    errors,
  }
}

/** Reads the input of one control; null for an invalid instant. */
function parseInput(kind: SelectorKind, text: string): unknown {
  if (kind === 'instant') return parseUtcInstant(text)?.toISOString() ?? null
  if (kind === 'flag') return true
  if (kind !== 'ids') return text
  const lines = text.split(/\r?\n/).map((line) => line.trim())
  return lines.filter(Boolean)
}

/** A selection as form input. An incomplete list of users is left out. */
function toFormInput(selection: ShownSelection): IncidentInput {
  const entered = partsOf(selection).map(([{ name, kind }, value]) => {
    if (value === true) return [name, 'yes']
    if (typeof value !== 'string')
      return [name, selection.userCount === undefined ? value.join('\n') : undefined]
    return [name, kind === 'instant' ? value.replace(/(\.000)?Z$/, '') : value]
  })
  return Object.fromEntries(entered)
}
