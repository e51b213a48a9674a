/** Schemas that HTTP, the command line and settings share. */
import { z } from 'zod'

/** A UUID of any version, in lower case as PostgreSQL writes it. */
export const uuid = (error?: string) => z.guid(error).toLowerCase()

/** A text that PostgreSQL can store: without NUL. */
export const WITHOUT_NUL = /^[^\0]*$/

/**
 * An instant in ISO 8601, at least to the minute. It needs a zone: without one, JavaScript would assume this machine's. With its zone it
 * lies in the years 1 to 9999: others JavaScript writes in a form that PostgreSQL does not read.
 */
export const zonedInstant = z
  .union(
    [z.iso.datetime({ offset: true }), z.iso.datetime({ offset: true, precision: -1 })],
    'must be an instant in ISO 8601 with a zone, such as 2026-11-24T13:00Z',
  )
  .refine(
    (text) => /^(?!0000)\d{4}-/.test(new Date(text).toISOString()),
    'must lie in the years 1 to 9999 in UTC',
  )
