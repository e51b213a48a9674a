/** Schemas of a reason, a note and a lock's duration, shared by API, console and command line. */
import { z } from 'zod'
import { duration } from '../lib/duration.ts'

/** Longest reason and note, in characters. */
export const MAX_REASON = 500

/** A text that is trimmed, visible, on one line. @param empty the error where there is none. */
const line = (empty: string) =>
  z
    .string(empty)
    .trim()
    .min(1, empty)
    .max(MAX_REASON, `must not be longer than ${MAX_REASON} characters`)
    .regex(/^[^\p{Cc}\p{Cs}\u2028\u2029\u202a-\u202e\u2066-\u2069]*$/u, 'must not hold control characters')
    .regex(/[^\s\p{C}]/u, empty)

/** The reason of an action. */
export const reason = line('must say why')

/** A note on a user. */
export const noteText = line('must not be empty')

/** Seconds that a lock lasts; null for `forever`. */
export const lockFor = z.union([z.literal('forever').transform(() => null), duration], {
  error: 'must be a duration such as 90s, 30m, 12h or 7d, or forever',
})
