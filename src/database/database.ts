/**
 * A pool of connections to PostgreSQL with deadlines. Every call ends in a result or a 503 within its deadline: an exhausted pool,
 * an unreachable server and a hanging server all give `unavailable`. A connection that missed its deadline is closed, never reused
 * (node-postgres #3399). A COMMIT without an answer gives `outcome_unknown`: it may have succeeded.
 */
import { AsyncLocalStorage } from 'node:async_hooks'
import { drizzle, type NodePgDatabase } from 'drizzle-orm/node-postgres'
import type pg from 'pg'
import { Problem, unavailable } from '../errors.ts'
import type { Log } from '../lib/log.ts'
import { type Client, completeTimeouts } from './connection.ts'
import { isRefusal, outcomeUnknown, translate } from './failures.ts'
import { type Fence, leaveFence } from './fence.ts'
import { createPool, type PoolClient } from './pool.ts'
import { createPooledStatements, type Prepared } from './pooled-client.ts'
import { inTransaction } from './transaction.ts'

export type { Executor } from './executor.ts'

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

export type Database = ReturnType<typeof openDatabase>
export type Transaction = NodePgDatabase & {
  $client: pg.PoolClient
  /** Sets the deadline of the rest of the transaction, in milliseconds from now, at both ends of the connection. */
  extend(ms: number): Promise<void>
}

export interface DatabaseOptions {
  /** Most connections. */
  max?: number
  /** Milliseconds after which a call fails with a 503. */
  deadlineMs?: number
  /** Gets a warning when an idle connection breaks; the next request opens a new one. */
  log?: Log
  /** Whether a pooler in transaction mode may be in between. */
  pooled?: boolean
  /** As of the connector. */
  genericPlans?: boolean
  /** As of the connector. */
  standby?: boolean
  /** Nothing is answered but from the server that granted the lease, while the lease is held. */
  fence?: Fence | undefined
}

export function openDatabase(
  url: string,
  {
    max = 10,
    deadlineMs = DEADLINE_MS,
    log,
    pooled = false,
    genericPlans = false,
    standby = false,
    fence,
  }: DatabaseOptions = {},
) {
  const timeouts = completeTimeouts(deadlineMs, { idleInTransactionMs: 5_000 })
  const statements = pooled ? createPooledStatements(timeouts, fence) : null
  const connections = createPool(url, {
    max,
    log,
    connectMs: deadlineMs,
    timeouts,
    pooled,
    genericPlans,
    standby,
  })
  const callsWithin = (fence: Fence | undefined) =>
    createCalls({ connections, statements, deadlineMs, fence })
  return {
    ...callsWithin(fence),
    /** For work in the background, which gives no answer: needs no lease. */
    unfenced: callsWithin(undefined),
    pool: connections.pool,
    tryOtherHost: connections.tryOtherHost,
    close: () => connections.pool.end(),
  }
}

interface CallOptions {
  connections: Pick<ReturnType<typeof createPool>, 'connect'>
  statements: ReturnType<typeof createPooledStatements> | null
  deadlineMs: number
  fence: Fence | undefined
}

/** The calls on these connections. Exported for the simulation of leases, which has connections of its own. */
export function createCalls({ connections, statements, deadlineMs, fence }: CallOptions) {
  /** Runs `work` on one connection, within the deadline. `work` may set another deadline. Closes the connection unless `keep`. */
  async function withClient<T>(
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
        ms,
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

  /** Runs `work` on one connection, within the deadline. */
  function onConnection<T>(
    work: (db: Transaction, client: Client, server: string | null) => Promise<T>,
    {
      explain = translate,
      keep = true,
      drizzleOn = (client: Client, _server: string | null): unknown => client,
    } = {},
  ): Promise<T> {
    return withClient(
      (client, setDeadline, server) => {
        const on = drizzleOn(client, server) as pg.PoolClient
        const extend = async (ms: number) => {
          await on.query(`set local statement_timeout = ${Math.floor(ms)}`)
          setDeadline(ms)
        }
        return work(Object.assign(drizzle(on), { extend }), client, server)
      },
      explain,
      keep,
    )
  }

  /** Runs `work` within the deadline. Its statements may run in different server processes. */
  function run<T>(work: (db: Transaction) => Promise<T>): Promise<T> {
    return onConnection(work, statements ? { drizzleOn: statements.each } : {})
  }

  /**
   * Runs `work` in a READ COMMITTED transaction, whatever the server's default. Revocation is free of races because every
   * statement sees what was committed before it.
   * @throws Problem `outcome_unknown` when the answer to the COMMIT was lost, or came from another server than that of the lease.
   */
  function transaction<T>(work: (tx: Transaction) => Promise<T>): Promise<T> {
    let mayBeCommitted = false
    return onConnection(
      async (db, client, server) => {
        const result = await inTransaction(db, work, {
          ...(statements && { begin: () => statements.begin(client, server) }),
          committing: (now) => {
            mayBeCommitted = now
          },
        })
        mayBeCommitted = true
        return result
      },
      {
        explain: (error) => (mayBeCommitted && !isRefusal(error) ? outcomeUnknown(error) : translate(error)),
      },
    )
  }

  /**
   * Runs `work` on a connection that is closed afterwards, with every lock and cursor that `work` left on it. For work of many
   * transactions (`inTransaction`), each of which extends the deadline.
   */
  function withOwnConnection<T>(work: (db: Transaction) => Promise<T>): Promise<T> {
    if (statements) throw new Error('a pooler in transaction mode has no connection of our own')
    return onConnection(work, { keep: false })
  }

  /** One query without drizzle, for the hot path, prepared where it can be. Its rows are arrays. */
  function query<Row extends unknown[]>(
    { pooledText, ...prepared }: Prepared,
    explain = translate,
  ): Promise<Row[]> {
    const config = { ...prepared, rowMode: 'array' as const }
    return withClient(async (client, _setDeadline, server) => {
      const { rows } = statements
        ? await statements.statement(client, server, config, pooledText)
        : await client.query<Row>(config)
      return rows as unknown[] as Row[]
    }, explain)
  }

  /**
   * One call of a function that is a transaction of its own: it verifies the server, has its own settings, and makes its commit durable
   * (`begin_act()` in migrations/0003_applications.sql).
   * @returns its only row.
   * @throws Problem `outcome_unknown` when its answer was lost, or came from another server than that of the lease.
   */
  async function act<Row extends unknown[]>(call: Omit<Prepared, 'pooledText'>): Promise<Row> {
    const explain = (error: unknown) => (isRefusal(error) ? translate(error) : outcomeUnknown(error))
    const [row] = await query<Row>({ ...call, pooledText: call.text }, explain)
    if (!row) throw new Error(`${call.name} returned no row`)
    return row
  }

  return { run, query, act, transaction, withOwnConnection }
}
