/** The console's pages about one user: see, end all sessions, lock, lift a lock. The id is a parameter, as it may hold anything. */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { ZodTypeProvider } from 'fastify-type-provider-zod'
import { z } from 'zod'
import { operationId, text } from '../../http/schemas.ts'
import {
  type AdminPages,
  entered,
  faultsOf,
  requireSecurityRole,
  send,
  viewerOf,
  writeHooks,
} from '../forms.ts'
import { byOf, signedInWithin } from '../guard.ts'
import { lockFor, reason } from '../reason.ts'
import type { Faults } from '../views/parts.ts'
import { revokePage, unlockPage } from './views/act-pages.ts'
import { userPage } from './views/user-page.ts'

/** Of the sessions that were just ended, so many are named. */
const LISTED = 100

const oneUser = z.object({ id: text })
const revokeForm = z.object({
  reason,
  lockFor: z.union([z.literal('').transform(() => undefined), lockFor]).optional(),
})
const unlockForm = z.object({ reason })

export async function adminUserPages(instance: FastifyInstance, options: AdminPages) {
  const { sessions, accounts, overview, cookieSettings, config } = options
  const app = instance.withTypeProvider<ZodTypeProvider>()
  const securityOnly = { onRequest: requireSecurityRole }
  const write = writeHooks(app, cookieSettings)

  app.get(
    '/user',
    { schema: { querystring: oneUser.extend({ done: operationId.optional().catch(undefined) }) } },
    async (request, reply) => {
      const { id, done } = request.query
      const account = await accounts.show(id)
      const actors = account.revocations.map(({ operation }) => operation?.actorId)
      const found = done ? await sessions.operation(done, LISTED) : null
      return send(
        reply,
        userPage({
          viewer: viewerOf(request),
          account,
          names: await overview.names([id, ...actors]),
          done: found?.operation.userId === id ? found : null,
        }),
      )
    },
  )

  type Ask = FastifyRequest<{ Querystring: z.infer<typeof oneUser> }>
  const ask =
    (draw: typeof revokePage) =>
    async (request: Ask, reply: FastifyReply, faults: Faults = {}) => {
      const account = await accounts.show(request.query.id)
      const viewer = viewerOf(request)
      const isRecent = signedInWithin(config.staffMaxAuthAgeSeconds, request)
      const given = { ...entered(request.query), ...entered(request.body) }
      return send(reply, draw({ viewer, account, isRecent, entered: given, faults }))
    }
  const askRevoke = ask(revokePage)
  const askUnlock = ask(unlockPage)
  const outcome = (id: string, operationId: string | null) =>
    `/admin/user?${new URLSearchParams({ id, ...(operationId && { done: operationId }) })}`

  app.get(
    '/user/revoke',
    { ...securityOnly, schema: { querystring: oneUser.extend({ lockFor: text.optional() }) } },
    (request, reply) => askRevoke(request, reply),
  )

  app.post('/user/revoke', { ...write, schema: { querystring: oneUser } }, async (request, reply) => {
    const sent = revokeForm.safeParse(request.body ?? {})
    if (!sent.success) return askRevoke(request, reply.code(400), faultsOf(sent.error))
    const { id } = request.query
    const { operationId } = await accounts.revoke(
      id,
      { reason: sent.data.reason, lockSeconds: sent.data.lockFor },
      byOf(request),
    )
    return reply.redirect(outcome(id, operationId), 303)
  })

  app.get('/user/unlock', { ...securityOnly, schema: { querystring: oneUser } }, (request, reply) =>
    askUnlock(request, reply),
  )

  app.post('/user/unlock', { ...write, schema: { querystring: oneUser } }, async (request, reply) => {
    const sent = unlockForm.safeParse(request.body ?? {})
    if (!sent.success) return askUnlock(request, reply.code(400), faultsOf(sent.error))
    const { id } = request.query
    const { operationId } = await accounts.unlock(id, sent.data.reason, byOf(request))
    return reply.redirect(outcome(id, operationId), 303)
  })
}
