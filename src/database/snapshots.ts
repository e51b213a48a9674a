/**
 * Snapshots of PostgreSQL (`pg_snapshot`): which transactions had ended. Those of one server have the order in which they were taken:
 * a later one shows all that an earlier one shows. Pure.
 */

export interface Snapshot {
  /** All transactions below have ended. */
  xmin: bigint
  /** Transactions from this id on have not begun. */
  xmax: bigint
  /** Those between that are in progress, ascending. */
  open: bigint[]
}

/** Parses a snapshot in PostgreSQL's notation. */
export function parseSnapshot(text: string): Snapshot {
  const [xmin = '', xmax = '', open = ''] = text.split(':')
  return { xmin: BigInt(xmin), xmax: BigInt(xmax), open: open ? open.split(',').map(BigInt) : [] }
}

/** A snapshot in PostgreSQL's notation. */
export function formatSnapshot({ xmin, xmax, open }: Snapshot): string {
  return `${xmin}:${xmax}:${open.join(',')}`
}

/** Whether `a` was taken before `b`, when fewer transactions had ended. Both must be of one history. */
export function isBefore(a: Snapshot, b: Snapshot): boolean {
  return a.xmax < b.xmax || (a.xmax === b.xmax && a.open.length > b.open.length)
}
