/** The audit log, and one operation with the sessions it ended, for security staff and their programs: as JSON in pages or as CSV. */
import type { FastifyInstance } from 'fastify'
import fp from 'fastify-plugin'
import type { ZodTypeProvider } from 'fastify-type-provider-zod'
import { z } from 'zod'
import { sendCsv, wantsCsv } from '../../http/csv.ts'
import { callers } from '../../http/openapi/document.ts'
import { cursor, operationId } from '../../http/schemas.ts'
import { endedCsv } from '../../operations/ended-sessions.ts'
import { toEndedSession } from '../accounts/json.ts'
import { READ_PROBLEMS } from '../guard.ts'
import { toOperationJson } from '../operation-json.ts'
import type { Audit } from './audit.ts'
import { auditCsv } from './csv.ts'
import { auditPage, auditQuery, operationPage } from './schemas.ts'

export interface AuditApi {
  audit: Pick<Audit, 'list' | 'all' | 'operation' | 'endedBy'>
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

  app.get(
    '/api/admin/operations/:id',
    {
      onRequest: app.requireStaff.read,
      schema: {
        tags: ['staff'],
        security: callers.staff,
        operationId: 'showOperation',
        summary: 'An operation, and the sessions it ended',
        description:
          'The sessions come in the order in which they ended: 100, and the next 100 with `?cursor=`. Those whose retention period is over are missing. ' +
          'With `Accept: text/csv`: all of them as a file.',
        problems: [...READ_PROBLEMS, 'operation_not_found'],
        params: z.object({ id: operationId }),
        querystring: z.strictObject({ cursor: cursor.optional() }),
        response: { 200: operationPage.describe('The operation, and at most 100 sessions.') },
      },
    },
    async (request, reply) => {
      const { operation, sessions, next } = await audit.operation(request.params.id, request.query.cursor)
      reply.header('vary', 'accept')
      if (!wantsCsv(request.headers))
        return { operation: toOperationJson(operation), sessions: sessions.map(toEndedSession), next }
      const lines = endedCsv(audit.endedBy(operation.id))
      return sendCsv(reply, `operation-${operation.id}.csv`, lines) as never
    },
  )
}

export const auditApi = fp(routes, { name: 'audit-api', dependencies: ['staff-guard'], encapsulate: true })
