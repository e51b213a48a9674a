/** Schemas that several routes share: texts, ids, instants. */
import { z } from 'zod'
import { uuid, WITHOUT_NUL } from '../lib/schemas.ts'

/** A text that PostgreSQL accepts: without NUL. No user id is longer than 1,024 characters. */
export const text = z
  .string({ error: ({ input }) => (input === undefined ? 'must be given' : 'must be a text') })
  .max(1024)
  .regex(WITHOUT_NUL, 'must not hold a NUL character')

export const sessionId = uuid('must be the id of a session')
export const planId = uuid('must be the id of a plan')
export const operationId = uuid('must be the id of an operation')

/** In answers: an ISO 8601 time. */
export const instant = z.iso.datetime()
export const nullableText = z.string().nullable()

/** Compares the sender of a reused token with the session of that token. */
export const comparison = {
  sameAddress: z
    .boolean()
    .nullable()
    .describe('whether the session was created from this address; null: one of the two is unknown'),
  sameProgram: z
    .boolean()
    .nullable()
    .describe("whether the session had this user agent; null: the session's is unknown"),
}

/** In requests: where a paged list goes on. */
export const cursor = z.string().max(4096).describe('`next` of the page before')
/** In answers. */
export const nextCursor = nullableText.describe('the `cursor` of the next page; null after the last')
