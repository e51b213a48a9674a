/** What several routes take and give, said once: texts, ids, instants. */
import { z } from 'zod'
import { uuid } from '../lib/schemas.ts'

/** A text that PostgreSQL can be asked for: it has no NUL in its own. No user id is longer. */
export const text = z
  .string({ error: ({ input }) => (input === undefined ? 'must be given' : 'must be a text') })
  .max(1024)
  .regex(/^[^\0]*$/, 'must not hold a NUL character')

export const sessionId = uuid('must be the id of a session')
export const planId = uuid('must be the id of a plan')
export const operationId = uuid('must be the id of an operation')

/** In answers. */
export const instant = z.iso.datetime()
export const nullableText = z.string().nullable()

/** How the sender of a revoked token compares with the session that it was for. */
export const comparison = {
  sameAddress: z
    .boolean()
    .nullable()
    .describe('whether the session had signed in from this address; null: one of the two is unknown'),
  sameProgram: z
    .boolean()
    .nullable()
    .describe("whether the session had this user agent; null: the session's is unknown"),
}
