/** Schemas that HTTP, the command line and settings share. */
import { z } from 'zod'

/** Any UUID, of whatever version an application chose, spelled as PostgreSQL spells it. */
export const uuid = (error?: string) => z.guid(error).toLowerCase()

/** An instant in ISO 8601, to the minute or finer, with its zone: without one it would be this machine's. */
export const zonedInstant = z.union(
  [z.iso.datetime({ offset: true }), z.iso.datetime({ offset: true, precision: -1 })],
  'must be an instant in ISO 8601 with a zone, such as 2026-11-24T13:00Z',
)
