/** What several routes take and give, said once: texts, ids, instants, devices. */
import { z } from 'zod'
import { uuid } from '../lib/schemas.ts'
import { DEVICE_KINDS } from '../sessions/devices.ts'

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

/** What a user agent tells; `browser` may be any program. */
export const device = z.object({
  browser: nullableText,
  os: nullableText,
  kind: z.enum(DEVICE_KINDS).describe('`app`: a program that does not say what it runs on'),
})

/** Sessions that were just ended. */
export const endedSessions = z.array(z.object({ id: z.string(), device }))

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
