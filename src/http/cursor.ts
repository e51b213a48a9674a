/** Cursors of paged lists: the position of the last row that was returned, opaque to callers. */
import { z } from 'zod'
import { Problem } from '../errors.ts'
import { uuid, WITHOUT_NUL } from '../lib/schemas.ts'

/**
 * The parts of a position, as queries write them. PostgreSQL reads every value that passes: one that it could not read would be an
 * error of the server instead of the request.
 */
export const positionOf = {
  /** To the microsecond, in UTC, of the years 1 to 9999. More digits are too long for PostgreSQL. */
  instant: z.iso.datetime({ precision: 6 }).regex(/^(?!0000)/),
  id: uuid(),
  /** Of a transaction or a row, below 10^18. PostgreSQL would take a leading zero for an octal number. */
  number: z.string().regex(/^(0|[1-9]\d{0,17})$/),
  text: z.string().regex(WITHOUT_NUL),
}

export function writeCursor(position: unknown): string {
  return Buffer.from(JSON.stringify(position)).toString('base64url')
}

/** @throws Problem `invalid_request` unless the cursor comes from `writeCursor`. @param schema made of `positionOf`. */
export function readCursor<Position>(cursor: string, schema: z.ZodType<Position>): Position {
  try {
    return schema.parse(JSON.parse(Buffer.from(cursor, 'base64url').toString()))
  } catch (cause) {
    throw new Problem('invalid_request', 'cursor: must come from a previous response', {
      cause,
      field: 'cursor',
    })
  }
}
