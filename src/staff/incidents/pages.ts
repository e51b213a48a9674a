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
import { UNITS } from '../../lib/duration.ts'
import { endedCsv } from '../../operations/ended-sessions.ts'
import type { CookieSettings } from '../../sessions/guards.ts'
import { displayNames } from '../display-names.ts'
import { changeHooks, entered, formErrors, formHooks, parseUtcInstant, send, viewerOf } from '../forms.ts'
import { actorOf, hasSignedInWithin, requireSecurityRole } from '../guard.ts'
import { lockFor, reason } from '../reason.ts'
import type { FormErrors } from '../views/parts.ts'
import type { Incidents } from './incidents.ts'
import type { IncidentLock } from './locking.ts'
import { isLarge } from './planned.ts'
import type { IncidentReport } from './report.ts'
import type { ShownSelection } from './schema.ts'
import { selection } from './selection.ts'
import { isForEveryone, type Selection } from './selector-values.ts'
import { partsOf, SELECTORS, type SelectorKind, type SelectorName } from './selectors.ts'
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

/** Reads the form into a selection and a reason, or into errors by field. */
function readForm(given: IncidentInput): {
  select?: Selection
  why?: string
  lock?: IncidentLock
  errors: FormErrors
} {
  const errors: Record<string, string> = {}
  const parts: Record<string, unknown> = {}
  for (const { name, kind } of SELECTORS) {
    const text = given[name]?.trim()
    if (!text) continue
    const value = parseInput(kind, text)
    if (value === null) errors[name] = 'must be a date and a time, such as 2026-11-24T13:00'
    else parts[name] = value
  }
  const until = given.lockFor ? lockFor.safeParse(given.lockFor) : null
  if (until && !until.success) errors.lockFor = until.error.issues[0]?.message ?? 'must be a duration'
  const isEmpty = Object.keys({ ...parts, ...errors }).every((name) => name === 'lockFor')
  const why = reason.safeParse(given.reason)
  if (!why.success) errors.reason = why.error.issues[0]?.message ?? 'must say why'
  const read = isEmpty ? null : selection.safeParse(parts)
  if (!read) errors.select = 'Fill in at least one field, or tick "Everyone".'
  else if (!read.success) Object.assign(errors, formErrors(read.error, 'select'))
  else if (until && isForEveryone(read.data))
    errors.lockFor = 'cannot be set for everyone, which would lock all staff, too'
  const wrong = Object.keys(errors).some((name) => name !== 'reason' && name !== 'lockFor')
  return {
    ...(read?.success && !wrong && { select: read.data }),
    ...(why.success && { why: why.data }),
    ...(until?.success && { lock: { seconds: until.data } }),
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

/** The lists of a selection that are not shown whole. */
function omittedLists({ userCount, sessionCount, emailCount }: ShownSelection): SelectorName[] {
  const counts = { userIds: userCount, sessionIds: sessionCount, emails: emailCount }
  return Object.entries(counts).flatMap(([name, n]) => (n === undefined ? [] : [name as keyof typeof counts]))
}

/** A lock as the form's choices have it. */
function lockText({ seconds }: IncidentLock): string {
  if (seconds === null) return 'forever'
  for (const [unit, length] of Object.entries(UNITS).toReversed())
    if (seconds % length === 0) return `${seconds / length}${unit}`
  return `${seconds}s`
}

/** A selection as form input. An incomplete list is left out. */
function toFormInput(selection: ShownSelection): IncidentInput {
  const omitted = omittedLists(selection)
  const entered = partsOf(selection).map(([{ name, kind }, value]) => {
    if (value === true) return [name, 'yes']
    if (typeof value !== 'string') return [name, omitted.includes(name) ? undefined : value.join('\n')]
    return [name, kind === 'instant' ? value.replace(/(\.000)?Z$/, '') : value]
  })
  return Object.fromEntries(entered)
}
