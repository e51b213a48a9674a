/** The console's audit pages: the log with its filters, as CSV, and one operation in full. */
import type { FastifyInstance } from 'fastify'
import type { ZodTypeProvider } from 'fastify-type-provider-zod'
import { z } from 'zod'
import type { Database } from '../../database/database.ts'
import { Problem } from '../../errors.ts'
import { sendCsv } from '../../http/csv.ts'
import { cursor, operationId, text } from '../../http/schemas.ts'
import { endedCsv } from '../../operations/ended-sessions.ts'
import { AUDIT_KINDS } from '../../operations/kinds.ts'
import { displayNames } from '../display-names.ts'
import { entered, formErrors, parseUtcInstant, send, viewerOf } from '../forms.ts'
import type { FormErrors } from '../views/parts.ts'
import type { Audit } from './audit.ts'
import { auditCsv } from './csv.ts'
import type { AuditFilter } from './queries.ts'
import { auditPage } from './views/audit-page.ts'
import { operationPage } from './views/operation-page.ts'

const oneOperation = z.object({ id: operationId })

const MOMENT = 'must be a date and a time, such as 2026-11-24T13:00'
const nothing = z.literal('').transform(() => undefined)
const moment = z.string().transform((text, context) => {
  const instant = parseUtcInstant(text.trim())
  if (!instant) context.addIssue(MOMENT)
  return instant ?? undefined
})
const idText = text.trim().transform((text) => text || undefined)
const filterForm = z.object({
  user: idText.optional(),
  actor: idText.optional(),
  kind: z.union([nothing, z.enum(AUDIT_KINDS)], 'must be a listed action').optional(),
  since: z.union([nothing, moment], MOMENT).optional(),
  until: z.union([nothing, moment], MOMENT).optional(),
})

function readFilter(query: unknown): { filter: AuditFilter; errors: FormErrors } {
  const read = filterForm.safeParse(query)
  if (!read.success) return { filter: {}, errors: formErrors(read.error) }
  const { user, actor, ...rest } = read.data
  return { filter: { userId: user, actorId: actor, ...rest }, errors: {} }
}

export interface AuditPages {
  audit: Audit
  database: Pick<Database, 'run'>
}

export async function auditPages(instance: FastifyInstance, { audit, database }: AuditPages) {
  const app = instance.withTypeProvider<ZodTypeProvider>()

  app.get('/audit', async (request, reply) => {
    const given = entered(request.query)
    const { filter, errors } = readFilter(request.query)
    const wrong = Object.keys(errors).length > 0
    const cursor = given.cursor || null
    const page = wrong ? { entries: [], next: null } : await audit.list(filter, cursor)
    const ids = page.entries.flatMap(({ actorId, userId }) => [actorId, userId])
    const names = await database.run((db) => displayNames(db, ids))
    const { user, actor, kind, since, until } = given
    return send(
      wrong ? reply.code(400) : reply,
      auditPage({
        viewer: viewerOf(request),
        entered: { user, actor, kind, since, until },
        errors,
        page,
        further: cursor !== null,
        names,
        head: await audit.head(),
      }),
    )
  })

  app.get('/audit.csv', async (request, reply) => {
    const { filter, errors } = readFilter(request.query)
    const [wrong] = Object.entries(errors)
    if (wrong) throw new Problem('invalid_request', wrong.join(': '), { field: wrong[0] })
    return sendCsv(reply, 'audit.csv', auditCsv(audit.all(filter)))
  })

  app.get(
    '/operation',
    { schema: { querystring: oneOperation.extend({ cursor: cursor.optional().catch(undefined) }) } },
    async (request, reply) => {
      const { id, cursor = null } = request.query
      const page = await audit.operation(id, cursor)
      const { operation, sessions } = page
      const ids = [operation.actorId, operation.userId, ...sessions.map(({ userId }) => userId)]
      const names = await database.run((db) => displayNames(db, ids))
      return send(reply, operationPage({ viewer: viewerOf(request), page, isFirst: cursor === null, names }))
    },
  )

  app.get('/operation.csv', { schema: { querystring: oneOperation } }, async (request, reply) => {
    const { operation } = await audit.operation(request.query.id)
    return sendCsv(reply, `operation-${operation.id}.csv`, endedCsv(audit.endedBy(operation.id)))
  })
}
