/** For security staff: who is locked, who is staff, locks of many users at once, notes on a user. */
import type { FastifyInstance } from 'fastify'
import fp from 'fastify-plugin'
import type { ZodTypeProvider } from 'fastify-type-provider-zod'
import { z } from 'zod'
import { callers } from '../../http/openapi/document.ts'
import { cursor } from '../../http/schemas.ts'
import { actorOf, READ_PROBLEMS, WRITE_PROBLEMS } from '../guard.ts'
import { lockFor, noteText, reason } from '../reason.ts'
import type { Accounts } from './accounts.ts'
import { toStaff, toUser } from './json.ts'
import {
  listed,
  lockedMany,
  lockedUsers,
  NAMED,
  named,
  noted,
  searchText,
  staffList,
  unlockedMany,
} from './schemas.ts'

/** Bytes: a thousand ids of 1,024 characters. The body is read only after authentication. */
const MAX_LIST = 2 * 1024 * 1024

export interface AccountListsApi {
  accounts: Accounts
}

async function routes(instance: FastifyInstance, { accounts }: AccountListsApi) {
  const app = instance.withTypeProvider<ZodTypeProvider>()
  const reads = { onRequest: app.requireStaff.read }
  const writes = { onRequest: app.requireStaff.write }
  const forStaff = { tags: ['staff'], security: callers.staff }

  app.get(
    '/api/admin/locks',
    {
      ...reads,
      schema: {
        ...forStaff,
        operationId: 'listLocks',
        summary: 'Users whose sign-in is locked, the latest lock first',
        problems: READ_PROBLEMS,
        querystring: z.strictObject({ cursor: cursor.optional() }),
        response: { 200: lockedUsers.describe('At most 100.') },
      },
    },
    async ({ query }) => {
      const { users, next } = await accounts.locks(query.cursor)
      return { users: users.map(toUser), next }
    },
  )

  app.post(
    '/api/admin/locks',
    {
      ...writes,
      bodyLimit: MAX_LIST,
      schema: {
        ...forStaff,
        operationId: 'lockUsers',
        summary: 'End all sessions of up to a thousand users, and lock their sign-in',
        description:
          'All at once: where it fails, nothing was changed. For more users, plan an incident with lockFor.',
        problems: [...WRITE_PROBLEMS, 'approval_required'],
        body: z.strictObject({ reason, lockFor, ...listed }).refine(named, NAMED),
        response: { 200: lockedMany.describe('What was done.') },
      },
    },
    (request) => {
      const { reason, lockFor: lockSeconds, ...users } = request.body
      return accounts.lockMany(users, { reason, lockSeconds }, actorOf(request))
    },
  )

  app.delete(
    '/api/admin/locks',
    {
      ...writes,
      bodyLimit: MAX_LIST,
      schema: {
        ...forStaff,
        operationId: 'unlockUsers',
        summary: 'Unlock sign-in of up to a thousand users',
        problems: WRITE_PROBLEMS,
        body: z.strictObject({ reason: reason.optional(), ...listed }).refine(named, NAMED),
        response: { 200: unlockedMany.describe('What was done.') },
      },
    },
    (request) => {
      const { reason, ...users } = request.body
      return accounts.unlockMany(users, reason ?? null, actorOf(request))
    },
  )

  app.get(
    '/api/admin/staff',
    {
      ...reads,
      schema: {
        ...forStaff,
        operationId: 'listStaff',
        summary: 'Users with a role, the latest first',
        problems: READ_PROBLEMS,
        response: { 200: staffList.describe('At most 1,000.') },
      },
    },
    async () => ({ staff: (await accounts.staff()).map(toStaff) }),
  )

  app.post(
    '/api/admin/users/:id/notes',
    {
      ...writes,
      schema: {
        ...forStaff,
        operationId: 'addNote',
        summary: 'Write a note on a user, for other staff',
        description: 'It is part of the audit log: it can be neither changed nor removed.',
        problems: [...WRITE_PROBLEMS, 'user_not_found'],
        params: z.object({ id: searchText }),
        body: z.strictObject({ text: noteText }),
        response: { 201: noted.describe('The operation that is the note.') },
      },
    },
    async (request, reply) => {
      const note = await accounts.addNote(request.params.id, request.body.text, actorOf(request))
      reply.code(201)
      return note
    },
  )
}

export const accountListsApi = fp(routes, {
  name: 'account-lists-api',
  dependencies: ['staff-guard'],
  encapsulate: true,
})
