/** The schemas of a selection, as input and as output, derived from the table of selectors. */
import { createHash } from 'node:crypto'
import { z } from 'zod'
import type { ShownSelection } from './schema.ts'
import { type Selection, schemaOf } from './selector-values.ts'
import { SELECTORS, type SelectorKind } from './selectors.ts'

/** User ids of a longer list that are shown. */
const SHOWN_USER_IDS = 100

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

/** A selection as the API gives it. */
export const shownSelectionSchema = z.object({
  ...Object.fromEntries(SELECTORS.map(({ name, kind }) => [name, z.exactOptional(SHOWN[kind])])),
  userCount: z
    .int()
    .exactOptional()
    .describe('length of the whole list, if userIds holds only its beginning'),
  userIdsSha256: z.string().exactOptional().describe('SHA-256 of the whole list, one id per line'),
}) as z.ZodType<ShownSelection>

/** The selection as shown and audited: a long list of users as its beginning, length and hash. */
export function shownSelection({ userIds, ...rest }: Selection): ShownSelection {
  if (!userIds) return rest
  if (userIds.length <= SHOWN_USER_IDS) return { userIds, ...rest }
  return {
    userIds: userIds.slice(0, SHOWN_USER_IDS),
    userCount: userIds.length,
    userIdsSha256: createHash('sha256').update(userIds.join('\n')).digest('hex'),
    ...rest,
  }
}

/** The selection of an incident's row, with the whole list of users. */
export function wholeSelection({
  selection: { userCount: _, userIdsSha256: __, ...rest },
  userIds,
}: {
  selection: ShownSelection
  userIds: string[] | null
}): Selection {
  return { ...rest, ...(userIds && { userIds }) }
}
