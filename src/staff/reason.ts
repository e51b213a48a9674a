/** Schemas of a reason and of a lock's duration, shared by API, console and command line. */
import { z } from 'zod'
import { duration } from '../lib/duration.ts'

/** Longest reason, in characters. */
export const MAX_REASON = 500

/** The reason of an action: trimmed, visible, on one line. */
export const reason = z
  .string('must say why')
  .trim()
  .min(1, 'must say why')
  .max(MAX_REASON, `must not be longer than ${MAX_REASON} characters`)
  .regex(/^[^\p{Cc}\p{Cs}\u2028\u2029\u202a-\u202e\u2066-\u2069]*$/u, 'must not hold control characters')
  .regex(/[^\s\p{C}]/u, 'must say why')

/** Seconds that a lock lasts; null for `forever`. */
export const lockFor = z.union([z.literal('forever').transform(() => null), duration], {
  error: 'must be a duration such as 90s, 30m, 12h or 7d, or forever',
})
