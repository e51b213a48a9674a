/** The schemas of a selection, as input and as output, derived from the table of selectors. */
import { createHash } from 'node:crypto'
import { z } from 'zod'
import type { ShownSelection } from './schema.ts'
import { type Selection, schemaOf } from './selector-values.ts'
import { SELECTORS, type SelectorKind } from './selectors.ts'

/** Ids of a longer list that are shown. */
const SHOWN_IDS = 100

/** A selection as the API takes it. */
export const selection = z
  .strictObject(Object.fromEntries(SELECTORS.map(({ name }) => [name, z.exactOptional(schemaOf(name))])))
  .refine(
    (parts) => Object.keys(parts).length > 0,
    'must have at least one part; {"everyone": true} means every session',
  ) as z.ZodType<Selection>

const SHOWN: Record<SelectorKind, z.ZodType> = {
  ids: z.array(z.string()).describe('only the beginning of a long list'),
  address: z.string(),
  instant: z.iso.datetime(),
  text: z.string(),
  flag: z.literal(true),
}

const listCount = (list: string) =>
  z.int().exactOptional().describe(`length of the whole list, if ${list} is not shown whole`)
const listHash = z.string().exactOptional().describe('SHA-256 of the whole list, one entry per line')

/** A selection as the API gives it. */
export const shownSelectionSchema = z.object({
  ...Object.fromEntries(
    SELECTORS.filter(({ name }) => name !== 'emails').map(({ name, kind }) => [
      name,
      z.exactOptional(SHOWN[kind]),
    ]),
  ),
  userCount: listCount('userIds'),
  userIdsSha256: listHash,
  sessionCount: listCount('sessionIds'),
  sessionIdsSha256: listHash,
  emailCount: listCount('emails'),
}) as z.ZodType<ShownSelection>

/**
 * The selection as shown and audited: a long list of ids as its beginning, length and hash; of email addresses the length alone,
 * because the audit log is kept for long, and who guesses an address could compare its hash.
 */
export function shownSelection({ userIds, sessionIds, emails, ...rest }: Selection): ShownSelection {
  return {
    ...(userIds && { userIds: userIds.slice(0, SHOWN_IDS) }),
    ...(userIds &&
      userIds.length > SHOWN_IDS && { userCount: userIds.length, userIdsSha256: hashOf(userIds) }),
    ...(sessionIds && { sessionIds: sessionIds.slice(0, SHOWN_IDS) }),
    ...(sessionIds &&
      sessionIds.length > SHOWN_IDS && {
        sessionCount: sessionIds.length,
        sessionIdsSha256: hashOf(sessionIds),
      }),
    ...(emails && { emailCount: emails.length }),
    ...rest,
  }
}

const hashOf = (list: string[]) => createHash('sha256').update(list.join('\n')).digest('hex')

/** The columns of an incident that hold whole lists. */
export interface Lists {
  userIds: string[] | null
  emails: string[] | null
  sessionIds: string[] | null
}

/** A selection that names sessions alone selects none from before, which have no id here: `take_over()` reads this. */
export const listsOf = ({ userIds, emails, sessionIds }: Selection): Lists => ({
  userIds: userIds ?? (sessionIds ? [] : null),
  emails: emails ?? null,
  sessionIds: sessionIds ?? null,
})

/** The selection of an incident's row, with the whole lists. */
export function wholeSelection({
  selection: {
    userCount: _1,
    userIdsSha256: _2,
    sessionCount: _3,
    sessionIdsSha256: _4,
    emailCount: _5,
    userIds: shown,
    sessionIds: _6,
    ...rest
  },
  userIds,
  emails,
  sessionIds,
}: Lists & { selection: ShownSelection }): Selection {
  return {
    ...rest,
    ...(shown && userIds && { userIds }),
    ...(emails && { emails }),
    ...(sessionIds && { sessionIds }),
  }
}
