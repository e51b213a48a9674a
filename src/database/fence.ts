/**
 * The fence of a process that serves, as connections see it. In leased mode nothing is answered without a lease, and only the server
 * that granted the lease is asked. In database mode it is the server that `src/failover/admission.ts` has admitted; where this file says
 * "lease", it admits. Synchronous replication keeps a primary that was replaced from committing, and so from granting leases, but not from
 * answering reads.
 */
import { unavailable } from '../errors.ts'

export interface Fence {
  /** The server that granted the lease, as `SERVER_ID` names it; null without a lease. */
  readonly server: string | null
  /**
   * Waits for a lease, at most until `end`, in milliseconds on the monotonic clock.
   * @returns the server that granted it. @throws Problem `unavailable` when there is none.
   */
  enter(end: number): Promise<string>
  /** A new connection leads to another server than `server`. */
  met?: ((server: string) => void) | undefined
}

/** After a read, before its answer: the lease is held, and comes from the server that was read. @throws Problem `unavailable` */
export async function leaveFence(fence: Fence, server: string, end: number): Promise<void> {
  if ((await fence.enter(end)) === server) return
  throw unavailable(new Error('another server than the one that answered has granted the lease'))
}
