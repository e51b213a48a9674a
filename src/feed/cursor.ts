/**
 * A position in the feed of revocations: a snapshot of the database (`pg_snapshot`), and what it shows lies before the cursor.
 * No clock and no sequence follows the order of commits; a snapshot does, so no event is ever committed behind a cursor. Pure.
 *
 * Within a large transaction a cursor is two snapshots and the last row delivered between them. It is valid for one history of
 * one database only: a failover may lose commits and assign their transaction ids again.
 */
import type { Snapshot } from '../database/snapshots.ts'

/** The position of a row in the feed: rows are ordered by transaction, then id. */
export interface Position {
  xid: bigint
  id: bigint
}

export interface Cursor {
  /** The history of the database that it belongs to (`DATABASE_ID_LENGTH` characters of base64url). */
  databaseId: string
  /** Every row that this shows has been delivered. */
  last: Snapshot
  /** Of the further rows that `upper` shows, those up to `after` have been delivered too. */
  within?: { upper: Snapshot; after: Position }
}

/** In characters. A thousand transactions in progress take half of it. Node accepts 16 KiB of headers in all. */
export const MAX_CURSOR_LENGTH = 12_000
export const DATABASE_ID_LENGTH = 11

const DATABASE_ID = new RegExp(`^[\\w-]{${DATABASE_ID_LENGTH}}$`)
const NUMBER = /^(0|[1-9a-z][0-9a-z]{0,12})$/
/** Transaction ids and row ids are below this. */
const MAX_ID = 2n ** 63n

/** A cursor as text that is safe in a URL and a header. */
export function formatCursor({ databaseId, last, within }: Cursor): string {
  const parts = ['1', databaseId, packSnapshot(last)]
  if (within) parts.push(packSnapshot(within.upper), base36(within.after.xid), base36(within.after.id))
  return Buffer.from(parts.join('/')).toString('base64url')
}

/** @returns null for any text that `formatCursor` did not write. */
export function parseCursor(text: string): Cursor | null {
  if (text.length > MAX_CURSOR_LENGTH) return null
  const [version, databaseId = '', last = '', ...rest] = Buffer.from(text, 'base64url')
    .toString('latin1')
    .split('/')
  const snapshot = unpackSnapshot(last)
  if (version !== '1' || !DATABASE_ID.test(databaseId) || !snapshot) return null
  const cursor: Cursor = { databaseId, last: snapshot }
  if (rest.length > 0) {
    const [upper, xid, id] = [unpackSnapshot(rest[0] ?? ''), parseNumber(rest[1]), parseNumber(rest[2])]
    if (!upper || xid === null || id === null) return null
    cursor.within = { upper, after: { xid, id } }
  }
  return formatCursor(cursor) === text ? cursor : null
}

/** The later snapshot of a cursor. */
export function latestOf({ last, within }: Cursor): Snapshot {
  return within?.upper ?? last
}

/** Differences instead of numbers, which are long and similar: a cursor has to fit into a header. */
function packSnapshot({ xmin, xmax, open }: Snapshot): string {
  const steps = open.map((xid, i) => xid - (open[i - 1] ?? xmin))
  return [xmin, xmax - xmin, ...steps].map(base36).join('.')
}

/** @returns null for a text that PostgreSQL would not accept as a snapshot either. */
function unpackSnapshot(text: string): Snapshot | null {
  const [xmin, length, ...steps] = text.split('.').map(parseNumber)
  if (xmin == null || length == null) return null
  const xmax = xmin + length
  const open: bigint[] = []
  for (const [i, step] of steps.entries()) {
    if (step == null || (i > 0 && step === 0n)) return null
    open.push((open.at(-1) ?? xmin) + step)
  }
  const last = open.at(-1)
  const inOrder = last === undefined || last < xmax
  return isXid(xmin) && isXid(xmax) && inOrder ? { xmin, xmax, open } : null
}

/** PostgreSQL accepts no snapshot with a bound whose lower 32 bits are zero. */
function isXid(value: bigint): boolean {
  return value < MAX_ID && value % 2n ** 32n !== 0n
}

function base36(value: bigint): string {
  return value.toString(36)
}

function parseNumber(text: string | undefined): bigint | null {
  if (!text || !NUMBER.test(text)) return null
  let value = 0n
  for (const digit of text) value = value * 36n + BigInt(Number.parseInt(digit, 36))
  return value < MAX_ID ? value : null
}
