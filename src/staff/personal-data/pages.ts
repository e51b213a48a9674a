/** The console's pages on one person's data: the download, and the erasure behind a form that asks for the id again. */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { ZodTypeProvider } from 'fastify-type-provider-zod'
import { z } from 'zod'
import type { Config } from '../../config.ts'
import { Problem } from '../../errors.ts'
import { operationId, text } from '../../http/schemas.ts'
import type { CookieSettings } from '../../sessions/guards.ts'
import type { Accounts } from '../accounts/accounts.ts'
import { changeHooks, entered, formErrors, send, viewerOf } from '../forms.ts'
import { actorOf, hasSignedInWithin, requireSecurityRole } from '../guard.ts'
import { reason } from '../reason.ts'
import type { FormErrors } from '../views/parts.ts'
import { type PersonalData, sendExport } from './routes.ts'
import { NOT_CONFIRMED } from './schemas.ts'
import { erasedPage, erasePage } from './views/erase-page.ts'

const oneUser = z.object({ id: text })

export interface PersonalDataPages {
  accounts: Pick<Accounts, 'show'>
  personalData: PersonalData
  config: Pick<Config, 'staffMaxAuthAgeSeconds'>
  cookieSettings: CookieSettings
}

export async function personalDataPages(
  instance: FastifyInstance,
  { accounts, personalData: { exportUser, eraseUser }, config, cookieSettings }: PersonalDataPages,
) {
  const app = instance.withTypeProvider<ZodTypeProvider>()
  const securityOnly = { onRequest: requireSecurityRole, schema: { querystring: oneUser } }
  const form = { ...changeHooks(app, cookieSettings), schema: { querystring: oneUser } }

  app.get('/user/export', securityOnly, (request, reply) =>
    sendExport(reply, exportUser(request.query.id, actorOf(request))),
  )

  type Ask = FastifyRequest<{ Querystring: z.infer<typeof oneUser> }>
  async function ask(request: Ask, reply: FastifyReply, errors: FormErrors = {}) {
    // A user who is gone may still be named in the record.
    const { user, sessionCount } = await accounts.show(request.query.id, { allowUnknownId: true, limit: 1 })
    const isRecent = hasSignedInWithin(config.staffMaxAuthAgeSeconds, request)
    const given = { ...entered(request.query), ...entered(request.body) }
    return send(
      reply,
      erasePage({ viewer: viewerOf(request), user, sessionCount, isRecent, entered: given, errors }),
    )
  }
  app.get('/user/erase', securityOnly, (request, reply) => ask(request, reply))

  app.post('/user/erase', form, async (request, reply) => {
    const { id } = request.query
    const sent = z.object({ reason, confirm: z.literal(id, NOT_CONFIRMED) }).safeParse(request.body ?? {})
    if (!sent.success) return ask(request, reply.code(400), formErrors(sent.error))
    try {
      const { operationId } = await eraseUser(id, sent.data.reason, actorOf(request))
      const done = `/admin/user/erased${operationId ? `?operation=${operationId}` : ''}`
      return reply.redirect(request.view.site.path(done), 303)
    } catch (error) {
      if (!(error instanceof Problem && error.field === 'reason')) throw error
      return ask(request, reply.code(400), { reason: error.detail })
    }
  })

  app.get(
    '/user/erased',
    { schema: { querystring: z.object({ operation: operationId.optional().catch(undefined) }) } },
    (request, reply) =>
      send(reply, erasedPage({ viewer: viewerOf(request), operationId: request.query.operation })),
  )
}
