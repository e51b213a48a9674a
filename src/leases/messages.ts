/** What an instance and a caller say to each other. Imports nothing: `@global-logout/client` bundles what uses it. */

/** How far a holder of a lease has applied revocations. */
export interface Cursor {
  /** As `SERVER_ID` names it: the snapshots of two servers cannot be compared. */
  server: string
  /** `pg_snapshot` as text. */
  snapshot: string
}

export interface LeaseRequest {
  /** The id of a process. */
  caller: string
  /** The instance whose lease it holds, which alone may extend it; null for none. */
  instance: string | null
  /** What the caller has applied; null when it has applied nothing. */
  cursor: Cursor | null
  /** Whether the answer may wait, about a second, until there is something to tell. */
  wait: boolean
}

export interface CallerLease {
  /** The instance that lends it. */
  instance: string
  /** What the caller has applied once it has evicted `revoked`. */
  cursor: Cursor
  /** Hashed tokens; null for all. */
  revoked: readonly string[] | null
  /** How long the caller may answer from memory, in milliseconds from before its request. */
  ms: number
}
