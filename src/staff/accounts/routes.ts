/**
 * For security staff: find a user, see and end all of their sessions, lift a lock. A hook checks the caller before anything
 * is looked up, so that the answer tells no one else which users exist.
 */
import type { FastifyInstance } from 'fastify'
import fp from 'fastify-plugin'
import type { ZodTypeProvider } from 'fastify-type-provider-zod'
import { z } from 'zod'
import { callers } from '../../http/openapi/document.ts'
import { cursor, sessionId } from '../../http/schemas.ts'
import type { Places } from '../../sessions/places.ts'
import { actorOf, READ_PROBLEMS, WRITE_PROBLEMS } from '../guard.ts'
import { lockFor, reason } from '../reason.ts'
import type { Accounts } from './accounts.ts'
import { toAccount, toFound, toRevoked, toRevokedSessions, toUser } from './json.ts'
import {
  account,
  allowUnknownId,
  found,
  revoked,
  revokedSession,
  searchText,
  unlocked,
  userList,
} from './schemas.ts'

export interface AccountsApi {
  accounts: Accounts
  places: Places
}

async function routes(instance: FastifyInstance, { accounts, places }: AccountsApi) {
  const app = instance.withTypeProvider<ZodTypeProvider>()
  const reads = { onRequest: app.requireStaff.read }
  const writes = { onRequest: app.requireStaff.write }
  const forStaff = { tags: ['staff'], security: callers.staff }
  const ofUser = z.object({ id: searchText })

  app.get(
    '/api/admin/users',
    {
      ...reads,
      schema: {
        ...forStaff,
        operationId: 'findUsers',
        summary: 'Users whose id begins with a text, or whose name or email address has it in any part',
        description:
          'Where a replica answers (DATABASE_READ_URL), the header `X-Data-As-Of` says up to when its data is complete.',
        problems: READ_PROBLEMS,
        querystring: z.strictObject({ q: searchText }),
        response: { 200: userList.describe('At most 50.') },
      },
    },
    async ({ query }) => {
      const { users, parts } = await accounts.find(query.q)
      return { users: users.map(toUser), parts }
    },
  )

  app.get(
    '/api/admin/find',
    {
      ...reads,
      schema: {
        ...forStaff,
        operationId: 'find',
        summary: 'Users by any part of name or email address; a session or an operation by id',
        description:
          'Where a replica answers (DATABASE_READ_URL), the header `X-Data-As-Of` says up to when its data is complete.',
        problems: READ_PROBLEMS,
        querystring: z.strictObject({ q: searchText }),
        response: { 200: found.describe('At most 50 users.') },
      },
    },
    async ({ query }) => toFound(await accounts.findAny(query.q), await places.finder()),
  )

  app.get(
    '/api/admin/users/:id/sessions',
    {
      ...reads,
      schema: {
        ...forStaff,
        operationId: 'showUser',
        summary: "A user's active sessions, recent revocations and reused tokens",
        description:
          'Active sessions come in pages of 200, the last seen first; the other lists hold the newest 200. A session that is used while you page moves to the first page.',
        problems: [...READ_PROBLEMS, 'user_not_found'],
        params: ofUser,
        querystring: z.strictObject({ cursor: cursor.optional() }),
        response: { 200: account.describe('The user as staff see them.') },
      },
    },
    async ({ params, query }) => toAccount(await accounts.show(params.id, query), await places.finder()),
  )

  app.post(
    '/api/admin/users/:id/revoke',
    {
      ...writes,
      schema: {
        ...forStaff,
        operationId: 'revokeUser',
        summary: 'End all sessions of a user; with lockFor, refuse new ones',
        problems: [...WRITE_PROBLEMS, 'user_not_found'],
        params: ofUser,
        body: z.strictObject({
          reason,
          lockFor: lockFor.optional(),
          allowUnknownId: allowUnknownId.optional(),
        }),
        response: { 200: revoked.describe('What was ended.') },
      },
    },
    async (request) => {
      const { lockFor: lockSeconds, ...rest } = request.body
      return toRevoked(await accounts.revoke(request.params.id, { ...rest, lockSeconds }, actorOf(request)))
    },
  )

  app.delete(
    '/api/admin/sessions/:id',
    {
      ...writes,
      schema: {
        ...forStaff,
        operationId: 'revokeSession',
        summary: 'End one session of a user',
        description: 'The other sessions of the user stay.',
        problems: [...WRITE_PROBLEMS, 'session_not_found'],
        params: z.object({ id: sessionId }),
        body: z.strictObject({ reason }),
        response: { 200: revokedSession.describe('What was ended.') },
      },
    },
    async (request) =>
      toRevokedSessions(
        await accounts.revokeSession(request.params.id, request.body.reason, actorOf(request)),
      ),
  )

  app.delete(
    '/api/admin/users/:id/lock',
    {
      ...writes,
      schema: {
        ...forStaff,
        operationId: 'unlockUser',
        summary: 'Unlock sign-in of a user',
        problems: [...WRITE_PROBLEMS, 'user_not_found'],
        params: ofUser,
        body: z.preprocess((body) => body ?? {}, z.strictObject({ reason: reason.optional() })),
        response: { 200: unlocked.describe('The operation, if there was a lock.') },
      },
    },
    (request) => accounts.unlock(request.params.id, request.body.reason ?? null, actorOf(request)),
  )
}

export const accountsApi = fp(routes, {
  name: 'accounts-api',
  dependencies: ['staff-guard'],
  encapsulate: true,
})
