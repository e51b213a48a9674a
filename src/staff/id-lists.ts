/** Schemas of lists that staff give: users by id or email address, and sessions by id. */
import { sql } from 'drizzle-orm'
import { z } from 'zod'
import { WITHOUT_NUL } from '../lib/schemas.ts'
import { user } from '../sessions/schema.ts'

/** In characters. */
const MAX_USER_ID = 1_024
const MAX_EMAIL = 320
const SESSION_ID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i

/** Whether PostgreSQL and its JSON can hold the text. */
export const isPlain = (text: string): boolean => text.isWellFormed() && WITHOUT_NUL.test(text)

interface ListRules {
  /** What the list holds: "user ids". */
  things: string
  isOne(text: string): boolean
  /** What one has to be. */
  rule: string
  /** Characters of one at most. */
  longest: number
}

/** A list of texts. One loop up to the first error: a schema per item would block the process for over a second. */
const listOf = (rules: ListRules, most: number, read: (text: string) => string = (text) => text) =>
  z
    .unknown()
    .superRefine((list, { addIssue }) => {
      const error = listError(list, rules, most)
      if (error) addIssue({ code: 'custom', ...error })
    })
    .meta({
      type: 'array',
      minItems: 1,
      maxItems: most,
      items: { type: 'string', minLength: 1, maxLength: rules.longest },
    })
    .transform((list) => [...new Set((list as string[]).map(read))])

function listError(
  list: unknown,
  { things, isOne, rule }: ListRules,
  most: number,
): { message: string; path?: number[] } | null {
  if (!Array.isArray(list)) return { message: `must be a list of ${things}` }
  if (list.length === 0) return { message: 'must not be empty' }
  if (list.length > most) return { message: `must not have more than ${most} ${things}` }
  const index = list.findIndex((one) => typeof one !== 'string' || !isOne(one))
  return index < 0 ? null : { message: rule, path: [index] }
}

const userIdRules: ListRules = {
  things: 'user ids',
  isOne: (id) => id !== '' && id.length <= MAX_USER_ID && isPlain(id),
  rule: `must be a text of 1 to ${MAX_USER_ID} characters, none of them NUL`,
  longest: MAX_USER_ID,
}
const emailRules: ListRules = {
  things: 'email addresses',
  isOne: (text) => text.length <= MAX_EMAIL && /^[^@\s]+@[^@\s]+$/.test(text) && isPlain(text),
  rule: 'must be an email address such as ada@example.com',
  longest: MAX_EMAIL,
}
const sessionIdRules: ListRules = {
  things: 'session ids',
  isOne: (id) => SESSION_ID.test(id),
  rule: 'must be the id of a session, a UUID',
  longest: 36,
}

/** Each at most `most` entries; duplicates are dropped. */
export const userIdList = (most: number) => listOf(userIdRules, most)
export const emailList = (most: number) => listOf(emailRules, most)
export const sessionIdList = (most: number) => listOf(sessionIdRules, most, (id) => id.toLowerCase())

/** What addresses are compared with, in lower case by the database. The index of the prefix search has this expression. */
export const emailKey = sql<string>`pg_catalog.lower(pg_catalog.left(${user.email}, 600))`
