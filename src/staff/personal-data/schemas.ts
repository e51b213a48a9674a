/** Request and response schemas of export and erasure. */
import { z } from 'zod'
import { nullableText } from '../../http/schemas.ts'
import { searchText } from '../accounts/schemas.ts'
import { reason } from '../reason.ts'

export const ofUser = z.object({ id: searchText })

/** The id is repeated, because an erasure cannot be undone. */
export const NOT_CONFIRMED = 'must repeat the id of the user'
export const erasure = z.strictObject({
  reason: reason.describe('it stays, so it must not name the user'),
  confirm: searchText.describe('the id of the user again'),
})

const rows = z.object({ is: z.string().describe('what the rows are'), rows: z.array(z.unknown()) })

export const exported = z.looseObject({ about: z.unknown(), user: rows })

export const erased = z.object({
  operationId: nullableText.describe('null: all was erased before'),
  ended: z.int().describe('sessions that ended'),
  entries: z.int().describe('entries of the audit log from which the user was erased'),
  revocations: z
    .int()
    .describe('records of ended sessions: they stay under a pseudonym, without address and program'),
  replays: z.int().describe('records of reused tokens, likewise'),
  incidents: z.int().describe('incidents that named the user'),
  lockKept: z.boolean().describe('true: a lock is in force, and stays with the id'),
})
