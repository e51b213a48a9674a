/** The audit log for security staff and their programs, as JSON in pages or as one CSV file. */
import type { FastifyInstance } from 'fastify'
import fp from 'fastify-plugin'
import type { ZodTypeProvider } from 'fastify-type-provider-zod'
import { sendCsv, wantsCsv } from '../../http/csv.ts'
import { callers } from '../../http/openapi/document.ts'
import { READ_PROBLEMS } from '../guard.ts'
import { toOperationJson } from '../operation-json.ts'
import type { Audit } from './audit.ts'
import { auditCsv } from './csv.ts'
import { auditPage, auditQuery } from './schemas.ts'

export interface AuditApi {
  audit: Pick<Audit, 'list' | 'all'>
}

async function routes(instance: FastifyInstance, { audit }: AuditApi) {
  const app = instance.withTypeProvider<ZodTypeProvider>()

  app.get(
    '/api/admin/audit',
    {
      onRequest: app.requireStaff.read,
      schema: {
        tags: ['staff'],
        security: callers.staff,
        operationId: 'listAudit',
        summary: 'Every operation, newest first',
        description:
          'With `Accept: text/csv`: all matching entries as a file. Where a replica answers (DATABASE_READ_URL), the header `X-Data-As-Of` says up to when its data is complete.',
        problems: READ_PROBLEMS,
        querystring: auditQuery,
        response: { 200: auditPage.describe('At most 100 entries.') },
      },
    },
    async (request, reply) => {
      const { user: userId, actor: actorId, cursor = null, ...rest } = request.query
      const filter = { ...rest, userId, actorId }
      reply.header('vary', 'accept')
      if (!wantsCsv(request.headers)) {
        const { entries, next } = await audit.list(filter, cursor)
        return { entries: entries.map(toOperationJson), next }
      }
      return sendCsv(reply, 'audit.csv', auditCsv(audit.all(filter))) as never
    },
  )
}

export const auditApi = fp(routes, { name: 'audit-api', dependencies: ['staff-guard'], encapsulate: true })
