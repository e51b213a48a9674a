/** Cursors of paged lists: the position of the last row that was returned, opaque to callers. */
import type { z } from 'zod'
import { Problem } from '../errors.ts'

export function writeCursor(position: unknown): string {
  return Buffer.from(JSON.stringify(position)).toString('base64url')
}

/** @throws Problem `invalid_request` unless the cursor comes from `writeCursor`. */
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
