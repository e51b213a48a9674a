/** The console's pages on users: find, see, end all sessions, lock, unlock. The id is a query parameter: it may hold any text. */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { ZodTypeProvider } from 'fastify-type-provider-zod'
import { z } from 'zod'
import type { Config } from '../../config.ts'
import type { Database } from '../../database/database.ts'
import { cursor, operationId, text } from '../../http/schemas.ts'
import type { CookieSettings } from '../../sessions/guards.ts'
import type { Sessions } from '../../sessions/sessions.ts'
import { displayNames } from '../display-names.ts'
import { changeHooks, entered, formErrors, send, viewerOf } from '../forms.ts'
import { actorOf, hasSignedInWithin, requireSecurityRole } from '../guard.ts'
import { lockFor, reason } from '../reason.ts'
import type { FormErrors } from '../views/parts.ts'
import { type Accounts, MAX_FOUND, type UnknownIds } from './accounts.ts'
import { revokePage, unlockPage } from './views/action-pages.ts'
import { userPage } from './views/user-page.ts'
import { usersPage } from './views/users-page.ts'

/** Sessions just ended that are listed at most. */
const MAX_LISTED = 100

const oneUser = z.object({ id: text })
const revokeForm = z.object({
  reason,
  lockFor: z.union([z.literal('').transform(() => undefined), lockFor]).optional(),
  allowUnknownId: z.stringbool().optional(),
})
const unlockForm = z.object({ reason })

export interface AccountPages {
  accounts: Pick<Accounts, 'find' | 'show' | 'revoke' | 'unlock'>
  sessions: Pick<Sessions, 'operation'>
  database: Pick<Database, 'run'>
  config: Pick<Config, 'staffMaxAuthAgeSeconds'>
  cookieSettings: CookieSettings
}

export async function accountPages(
  instance: FastifyInstance,
  { accounts, sessions, database, config, cookieSettings }: AccountPages,
) {
  const app = instance.withTypeProvider<ZodTypeProvider>()
  const securityOnly = { onRequest: requireSecurityRole }
  const write = changeHooks(app, cookieSettings)

  app.get('/users', { schema: { querystring: z.object({ q: text.catch('') }) } }, async (request, reply) => {
    const query = request.query.q.trim()
    const users = query ? await accounts.find(query) : null
    return send(reply, usersPage({ viewer: viewerOf(request), query, users, most: MAX_FOUND }))
  })

  app.get(
    '/user',
    {
      schema: {
        querystring: oneUser.extend({
          done: operationId.optional().catch(undefined),
          cursor: cursor.optional().catch(undefined),
        }),
      },
    },
    async (request, reply) => {
      const { id, done, cursor } = request.query
      const account = await accounts.show(id, { cursor })
      const actors = [
        ...account.revocations.map(({ operation }) => operation?.actorId),
        ...account.replays.map(({ acknowledged }) => acknowledged?.actorId),
      ]
      const found = done ? await sessions.operation(done, MAX_LISTED) : null
      return send(
        reply,
        userPage({
          viewer: viewerOf(request),
          account,
          isFirst: cursor === undefined,
          names: await database.run((db) => displayNames(db, [id, ...actors])),
          done: found?.operation.userId === id ? found : null,
        }),
      )
    },
  )

  type Ask = FastifyRequest<{ Querystring: z.infer<typeof oneUser> }>
  const ask =
    (draw: typeof revokePage, options: UnknownIds = {}) =>
    async (request: Ask, reply: FastifyReply, errors: FormErrors = {}) => {
      const account = await accounts.show(request.query.id, options)
      const viewer = viewerOf(request)
      const isRecent = hasSignedInWithin(config.staffMaxAuthAgeSeconds, request)
      const given = { ...entered(request.query), ...entered(request.body) }
      return send(reply, draw({ viewer, account, isRecent, entered: given, errors }))
    }
  const askRevoke = ask(revokePage, { allowUnknownId: true })
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
    if (!sent.success) return askRevoke(request, reply.code(400), formErrors(sent.error))
    const { id } = request.query
    const { lockFor: lockSeconds, ...rest } = sent.data
    const { operationId } = await accounts.revoke(id, { ...rest, lockSeconds }, actorOf(request))
    return reply.redirect(request.view.site.path(outcome(id, operationId)), 303)
  })

  app.get('/user/unlock', { ...securityOnly, schema: { querystring: oneUser } }, (request, reply) =>
    askUnlock(request, reply),
  )

  app.post('/user/unlock', { ...write, schema: { querystring: oneUser } }, async (request, reply) => {
    const sent = unlockForm.safeParse(request.body ?? {})
    if (!sent.success) return askUnlock(request, reply.code(400), formErrors(sent.error))
    const { id } = request.query
    const { operationId } = await accounts.unlock(id, sent.data.reason, actorOf(request))
    return reply.redirect(request.view.site.path(outcome(id, operationId)), 303)
  })
}
