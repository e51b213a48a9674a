/** For the role `security`: one person's data as JSON, and their erasure. */
import type { FastifyInstance, FastifyReply } from 'fastify'
import fp from 'fastify-plugin'
import type { ZodTypeProvider } from 'fastify-type-provider-zod'
import { Problem } from '../../errors.ts'
import { csvStream } from '../../http/csv.ts'
import { callers } from '../../http/openapi/document.ts'
import { actorOf, READ_PROBLEMS, requireSecurityRole, WRITE_PROBLEMS } from '../guard.ts'
import type { EraseUser } from './erase.ts'
import type { ExportUser } from './export.ts'
import { erased, erasure, exported, NOT_CONFIRMED, ofUser } from './schemas.ts'

export interface PersonalData {
  exportUser: ExportUser
  eraseUser: EraseUser
}

export interface PersonalDataApi {
  personalData: PersonalData
}

async function routes(
  instance: FastifyInstance,
  { personalData: { exportUser, eraseUser } }: PersonalDataApi,
) {
  const app = instance.withTypeProvider<ZodTypeProvider>()
  const forStaff = { tags: ['staff'], security: callers.staff }

  app.get(
    '/api/admin/users/:id/export',
    {
      onRequest: [app.requireStaff.read, requireSecurityRole],
      schema: {
        ...forStaff,
        operationId: 'exportUser',
        summary: 'All that is kept of one person',
        description:
          'For the person, who may ask for it. It names no other person. The export is recorded. ' +
          'A failure in the middle breaks the connection.',
        problems: [...READ_PROBLEMS, 'read_only', 'user_not_found', 'outcome_unknown'],
        params: ofUser,
        response: { 200: exported.describe('Sections of rows; each says what it is.') },
      },
    },
    async (request, reply) =>
      (await sendExport(reply, exportUser(request.params.id, actorOf(request)))) as never,
  )

  app.delete(
    '/api/admin/users/:id',
    {
      onRequest: app.requireStaff.write,
      schema: {
        ...forStaff,
        operationId: 'eraseUser',
        summary: 'Erase a person',
        description:
          'Ends all sessions as a logout does, then erases the user from everything that is kept. The audit log still verifies. ' +
          'It cannot be undone. Delete the user in the application first.',
        problems: [...WRITE_PROBLEMS, 'user_not_found', 'user_is_staff'],
        params: ofUser,
        body: erasure,
        response: { 200: erased.describe('What was erased.') },
      },
    },
    (request) => {
      const { id } = request.params
      const { reason, confirm } = request.body
      if (confirm !== id)
        throw new Problem('invalid_request', `confirm: ${NOT_CONFIRMED}`, { field: 'confirm' })
      return eraseUser(id, reason, actorOf(request))
    },
  )
}

/** Answers with the document as a download. */
export async function sendExport(reply: FastifyReply, lines: AsyncGenerator<string>): Promise<FastifyReply> {
  const stream = await csvStream(lines)
  return reply
    .type('application/json; charset=utf-8')
    .header('content-disposition', 'attachment; filename="personal-data.json"')
    .send(stream)
}

export const personalDataApi = fp(routes, {
  name: 'personal-data-api',
  dependencies: ['staff-guard'],
  encapsulate: true,
})
