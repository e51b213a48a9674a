/**
 * A place in the feed of revocations: what a snapshot of the database (`pg_snapshot`) shows lies before it. No clock and
 * no sequence follows the order of commits; a snapshot does, so that nothing is ever committed behind a cursor. Pure.
 *
 * Inside a page of a large transaction it is two snapshots and the last row that was handed out between them. It belongs
 * to one history of one database: to another, or after a failover that may have lost commits and given their transaction
 * ids away again, it says nothing.
 */

export interface Snapshot {
  /** Transactions below are over. */
  xmin: bigint
  /** Transactions from here on have not begun. */
  xmax: bigint
  /** Those between that are under way, ascending. */
  open: bigint[]
}

/** A row of the feed; rows are ordered by transaction, then id. */
export interface Place {
  xid: bigint
  id: bigint
}

export interface Cursor {
  /** The history of the database it belongs to (`DATABASE_ID_LENGTH` characters of base64url). */
  databaseId: string
  /** Everything that this shows was handed out before. */
  last: Snapshot
  /** Of what the second snapshot shows besides, everything up to this row was handed out as well. */
  within?: { upper: Snapshot; after: Place }
}

/** In characters. A thousand transactions under way at once take half of it; Node takes 16 KiB of headers in all. */
export const MAX_CURSOR_LENGTH = 12_000
export const DATABASE_ID_LENGTH = 11

const WORLD = new RegExp(`^[\\w-]{${DATABASE_ID_LENGTH}}$`)
const NUMBER = /^(0|[1-9a-z][0-9a-z]{0,12})$/
/** Of transaction ids and row ids. */
const MOST = 2n ** 63n

/** A cursor as text that fits into a URL and a header. */
export function formatCursor({ databaseId, last, within }: Cursor): string {
  const parts = ['1', databaseId, packSnapshot(last)]
  if (within) parts.push(packSnapshot(within.upper), base36(within.after.xid), base36(within.after.id))
  return Buffer.from(parts.join('/')).toString('base64url')
}

/** @returns null for whatever `formatCursor` did not write. */
export function parseCursor(text: string): Cursor | null {
  if (text.length > MAX_CURSOR_LENGTH) return null
  const [version, databaseId = '', last = '', ...rest] = Buffer.from(text, 'base64url')
    .toString('latin1')
    .split('/')
  const snapshot = unpackSnapshot(last)
  if (version !== '1' || !WORLD.test(databaseId) || !snapshot) return null
  const cursor: Cursor = { databaseId, last: snapshot }
  if (rest.length > 0) {
    const [upper, xid, id] = [unpackSnapshot(rest[0] ?? ''), number(rest[1]), number(rest[2])]
    if (!upper || xid === null || id === null) return null
    cursor.within = { upper, after: { xid, id } }
  }
  return formatCursor(cursor) === text ? cursor : null
}

/** The latest snapshot that a cursor knows. */
export function latestOf({ last, within }: Cursor): Snapshot {
  return within?.upper ?? last
}

/** Whether `a` was taken before `b`: fewer transactions were over. For snapshots of one history. */
export function isBefore(a: Snapshot, b: Snapshot): boolean {
  return a.xmax < b.xmax || (a.xmax === b.xmax && a.open.length > b.open.length)
}

/** As PostgreSQL writes and reads it. */
export function snapshotText({ xmin, xmax, open }: Snapshot): string {
  return `${xmin}:${xmax}:${open.join(',')}`
}

/** Reads what PostgreSQL writes. */
export function snapshotOf(text: string): Snapshot {
  const [xmin = '', xmax = '', open = ''] = text.split(':')
  return { xmin: BigInt(xmin), xmax: BigInt(xmax), open: open ? open.split(',').map(BigInt) : [] }
}

/** Differences in place of numbers, which are long and alike: a cursor travels in a header. */
function packSnapshot({ xmin, xmax, open }: Snapshot): string {
  const steps = open.map((xid, i) => xid - (open[i - 1] ?? xmin))
  return [xmin, xmax - xmin, ...steps].map(base36).join('.')
}

/** @returns null for what is no snapshot to PostgreSQL either. */
function unpackSnapshot(text: string): Snapshot | null {
  const [xmin, length, ...steps] = text.split('.').map(number)
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

/** The lower half of an id is never zero: PostgreSQL takes no snapshot with such a bound. */
function isXid(value: bigint): boolean {
  return value < MOST && value % 2n ** 32n !== 0n
}

function base36(value: bigint): string {
  return value.toString(36)
}

function number(text: string | undefined): bigint | null {
  if (!text || !NUMBER.test(text)) return null
  let value = 0n
  for (const digit of text) value = value * 36n + BigInt(Number.parseInt(digit, 36))
  return value < MOST ? value : null
}
