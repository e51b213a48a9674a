/** An operation as JSON: the schema that the API documents, and the function that makes it. */
import { z } from 'zod'
import { instant, nullableText } from '../http/schemas.ts'
import { ACTOR_KINDS, AUDIT_KINDS } from '../operations/kinds.ts'

export const operationJson = z.object({
  id: nullableText,
  kind: z.enum(AUDIT_KINDS),
  scope: nullableText,
  actorKind: z.enum(ACTOR_KINDS).nullable(),
  actorId: nullableText,
  actorSessionId: nullableText,
  userId: nullableText,
  reason: nullableText,
  ipAddress: nullableText,
  userAgent: nullableText,
  requestId: nullableText,
  at: instant,
  revokedCount: z.int(),
  selection: z.unknown(),
  result: z.unknown(),
  waitedMs: z.int().nullable(),
  erasedBy: nullableText.describe(
    'the operation that erased a person from this one: fields of the person are null',
  ),
})

/** Leaves out the transaction id, which only the database needs. */
export function toOperationJson<Fields extends { at: Date; xid?: unknown }>({ xid: _, at, ...rest }: Fields) {
  return { ...rest, at: at.toISOString() }
}
