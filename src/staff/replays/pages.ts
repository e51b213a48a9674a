/** The console's page on which staff acknowledge the reused tokens of a user. */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { ZodTypeProvider } from 'fastify-type-provider-zod'
import { z } from 'zod'
import type { Config } from '../../config.ts'
import type { Database } from '../../database/database.ts'
import { text } from '../../http/schemas.ts'
import { zonedInstant } from '../../lib/schemas.ts'
import type { CookieSettings } from '../../sessions/guards.ts'
import { displayNames } from '../display-names.ts'
import { changeHooks, entered, formErrors, send, viewerOf } from '../forms.ts'
import { actorOf, hasSignedInWithin, requireSecurityRole } from '../guard.ts'
import { reason } from '../reason.ts'
import { type FormErrors, userHref } from '../views/parts.ts'
import type { AcknowledgeReplays } from './acknowledge.ts'
import { acknowledgePage } from './views/acknowledge-page.ts'

const query = z.object({ id: text, until: zonedInstant.optional().catch(undefined) })

export interface ReplayPages {
  acknowledgeReplays: AcknowledgeReplays
  database: Pick<Database, 'run'>
  config: Pick<Config, 'staffMaxAuthAgeSeconds'>
  cookieSettings: CookieSettings
}

export async function replayPages(
  instance: FastifyInstance,
  { acknowledgeReplays, database, config, cookieSettings }: ReplayPages,
) {
  const app = instance.withTypeProvider<ZodTypeProvider>()

  type Ask = FastifyRequest<{ Querystring: z.infer<typeof query> }>
  async function ask(request: Ask, reply: FastifyReply, errors: FormErrors = {}) {
    const { id } = request.query
    const names = await database.run((db) => displayNames(db, [id]))
    const isRecent = hasSignedInWithin(config.staffMaxAuthAgeSeconds, request)
    const given = entered(request.body)
    const page = { viewer: viewerOf(request), ...request.query, names, isRecent, entered: given, errors }
    return send(reply, acknowledgePage(page))
  }

  app.get(
    '/user/acknowledge',
    { onRequest: requireSecurityRole, schema: { querystring: query } },
    (request, reply) => ask(request, reply),
  )

  const form = { ...changeHooks(app, cookieSettings), schema: { querystring: query } }
  app.post('/user/acknowledge', form, async (request, reply) => {
    const sent = z.object({ reason }).safeParse(request.body ?? {})
    if (!sent.success) return ask(request, reply.code(400), formErrors(sent.error))
    const { id, until } = request.query
    await acknowledgeReplays(id, sent.data.reason, until ? new Date(until) : null, actorOf(request))
    return reply.redirect(request.view.site.path(userHref(id)), 303)
  })
}
