/**
 * One call on one connection to PostgreSQL, with a deadline. It ends in a result or a 503 within its deadline: an exhausted pool, an
 * unreachable server and a hanging server all give `unavailable`. A connection that missed its deadline is closed, never reused
 * (node-postgres #3399). Where there is a fence, only its server answers, and only under a lease. `@global-logout/postgres` bundles this
 * module.
 */
import { AsyncLocalStorage } from 'node:async_hooks'
import { Problem, unavailable } from '../errors.ts'
import { translate } from './failures.ts'
import { type Fence, leaveFence } from './fence.ts'
import type { createPool, PoolClient } from './pool.ts'

/** The deadline of a call in milliseconds, the wait for a connection included: below the promised 2 seconds. */
export const DEADLINE_MS = 1_700

/** The deadline of the current request: how many milliseconds it has, and when it ends on the monotonic clock. */
const request = new AsyncLocalStorage<{ ms: number; end: number }>()

/**
 * Runs `work` under one deadline for all queries that it makes.
 * @param ms milliseconds from now; by default as many as the current request had at its begin.
 */
export function withDeadline<T>(work: () => T, ms = request.getStore()?.ms ?? DEADLINE_MS): T {
  return request.run({ ms, end: performance.now() + ms }, work)
}

/** Runs `work` without the deadline of the current request: for work that must go on after it. */
export function withoutDeadline<T>(work: () => T): T {
  return request.exit(work)
}

export interface CallOptions {
  connections: Pick<ReturnType<typeof createPool>, 'connect'>
  /** Milliseconds after which a call fails with a 503. */
  deadlineMs: number
  /** Nothing is answered but from the server that granted the lease, while the lease is held. */
  fence?: Fence | undefined
}

export function createOnClient({ connections, deadlineMs, fence }: CallOptions) {
  /** Runs `work` on one connection, within the deadline. `work` may set another deadline. Closes the connection unless `keep`. */
  return async function onClient<T>(
    work: (client: PoolClient, setDeadline: (ms: number) => void, server: string | null) => Promise<T>,
    explain = translate,
    keep = true,
  ): Promise<T> {
    let end = Math.min(performance.now() + deadlineMs, request.getStore()?.end ?? Number.POSITIVE_INFINITY)
    const server = fence ? await fence.enter(end) : null
    const leave = async () => void (fence && server && (await leaveFence(fence, server, end)))
    const client = await connections.connect(end, server, fence?.met)
    const timeout = Promise.withResolvers<never>()
    let timer: NodeJS.Timeout | undefined
    const setDeadline = (ms: number) => {
      end = performance.now() + ms
      clearTimeout(timer)
      timer = setTimeout(
        () =>
          timeout.reject(unavailable(new Error(`no answer from the database within ${Math.round(ms)} ms`))),
        // Node warns of a negative time.
        Math.max(0, ms),
      )
    }
    setDeadline(end - performance.now())
    let broken: Error | undefined
    try {
      const result = await Promise.race([work(client, setDeadline, server), timeout.promise])
      await leave()
      return result
    } catch (error) {
      const problem = explain(error)
      if (problem instanceof Problem && problem.status === 503) broken = problem
      // A refusal is an answer, too.
      else await leave()
      throw problem
    } finally {
      clearTimeout(timer)
      client.release(broken ?? !keep)
    }
  }
}
