/**
 * The fence of leased mode: nothing about a session is answered without a lease, neither from memory nor from a read. A call looks
 * at the lease before it reads and again after. A first lease, and one that was just lost, is waited for within the deadline of the
 * call; once a try to get one has failed, calls fail at once.
 */
import type { Fence } from '../database/fence.ts'
import { Problem, unavailable } from '../errors.ts'

export interface Grant {
  /** The server that granted the lease. */
  server: string
  /** Whether the lease is held now. */
  holds(): boolean
}

export type LeaseFence = ReturnType<typeof createFence>

/** Closed until the first lease. */
export function createFence() {
  let grant: Grant | null = null
  let problem = unavailable(new Error('this process has no lease yet'))
  /** Whether the last try to get a lease failed. */
  let failing = false
  const waiting = new Set<() => void>()

  function wake(): void {
    for (const goOn of [...waiting]) goOn()
  }

  const fence = {
    get server(): string | null {
      return grant?.holds() ? grant.server : null
    },

    async enter(end: number): Promise<string> {
      for (;;) {
        const { server } = fence
        if (server) return server
        const ms = end - performance.now()
        if (failing || ms <= 0) throw problem
        await new Promise<void>((done) => {
          const goOn = () => {
            clearTimeout(timer)
            waiting.delete(goOn)
            done()
          }
          const timer = setTimeout(goOn, ms)
          waiting.add(goOn)
        })
      }
    },

    /** As of `Fence`; set in database mode. */
    met: undefined as Fence['met'],

    open(granted: Grant): void {
      grant = granted
      failing = false
      wake()
    },

    /** @param error why the lease was lost, or could not be had; null when it expired, or the database changed. */
    close(error: unknown): void {
      failing = grant === null && error !== null
      grant = null
      problem = error instanceof Problem ? error : unavailable(error ?? new Error('the lease is lost'))
      if (failing) wake()
    },
  }
  return fence satisfies Fence
}
