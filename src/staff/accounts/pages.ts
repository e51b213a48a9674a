/** The console's pages on users: find, see, end all sessions, lock, unlock. The id is a query parameter: it may hold any text. */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { ZodTypeProvider } from 'fastify-type-provider-zod'
import { z } from 'zod'
import type { Config } from '../../config.ts'
import type { Database } from '../../database/database.ts'
import { Problem } from '../../errors.ts'
import { cursor, operationId, sessionId, text } from '../../http/schemas.ts'
import type { CookieSettings } from '../../sessions/guards.ts'
import type { Sessions } from '../../sessions/sessions.ts'
import { displayNames } from '../display-names.ts'
import { changeHooks, entered, formErrors, send, viewerOf } from '../forms.ts'
import { actorOf, hasSignedInWithin, requireSecurityRole } from '../guard.ts'
import { lockFor, noteText, reason } from '../reason.ts'
import { type FormErrors, userHref } from '../views/parts.ts'
import type { Accounts, UnknownIds } from './accounts.ts'
import { MAX_CHOSEN } from './chosen-sessions.ts'
import { revokePage, unlockPage } from './views/action-pages.ts'
import { endPage } from './views/end-page.ts'
import { locksPage, staffPage } from './views/lists-pages.ts'
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
/** The boxes that are ticked: none, one text, or a list. */
const chosen = z.preprocess((given) => [given ?? []].flat(), z.array(sessionId).max(MAX_CHOSEN))

export interface AccountPages {
  accounts: Pick<
    Accounts,
    'findAny' | 'show' | 'revoke' | 'unlock' | 'chosen' | 'revokeSessions' | 'locks' | 'staff' | 'addNote'
  >
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
    const found = query ? await accounts.findAny(query) : null
    if (found?.address)
      return reply.redirect(
        request.view.site.path(`/admin/sessions?${new URLSearchParams({ ip: found.address })}`),
        303,
      )
    return send(reply, usersPage({ viewer: viewerOf(request), query, found }))
  })

  app.get(
    '/locks',
    { schema: { querystring: z.object({ cursor: cursor.optional().catch(undefined) }) } },
    async (request, reply) => {
      const { cursor = null } = request.query
      const page = await accounts.locks(cursor)
      return send(reply, locksPage({ viewer: viewerOf(request), page, isFirst: cursor === null }))
    },
  )

  app.get('/staff', async (request, reply) =>
    send(reply, staffPage({ viewer: viewerOf(request), staff: await accounts.staff() })),
  )

  app.post('/user/note', { ...write, schema: { querystring: oneUser } }, async (request, reply) => {
    const { id } = request.query
    const sent = noteText.safeParse(entered(request.body).text)
    if (!sent.success)
      throw new Problem('invalid_request', `The note ${sent.error.issues[0]?.message}.`, { field: 'text' })
    await accounts.addNote(id, sent.data, actorOf(request))
    return reply.redirect(request.view.site.path(`${userHref(id)}#notes`), 303)
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
        ...account.notes.map(({ actorId }) => actorId),
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

  const askEnd = async (request: Ask, reply: FastifyReply, ids: string[], errors: FormErrors = {}) => {
    const { id } = request.query
    const { user } = await accounts.show(id, { limit: 1 })
    return send(
      reply,
      endPage({
        viewer: viewerOf(request),
        user,
        sessions: await accounts.chosen(id, ids),
        chosen: ids.length,
        isRecent: hasSignedInWithin(config.staffMaxAuthAgeSeconds, request),
        entered: entered(request.body),
        errors,
      }),
    )
  }

  app.get(
    '/user/end',
    { ...securityOnly, schema: { querystring: oneUser.extend({ session: chosen }) } },
    (request, reply) => askEnd(request, reply, request.query.session),
  )

  app.post(
    '/user/end',
    { ...write, schema: { querystring: oneUser, body: z.object({ session: chosen, reason: z.unknown() }) } },
    async (request, reply) => {
      const { session: ids, reason: given } = request.body
      const why = reason.safeParse(given)
      if (!why.success)
        return askEnd(request, reply.code(400), ids, { reason: why.error.issues[0]?.message ?? '' })
      const { id } = request.query
      const { operationId } = await accounts.revokeSessions(id, ids, why.data, actorOf(request))
      return reply.redirect(request.view.site.path(outcome(id, operationId)), 303)
    },
  )

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
