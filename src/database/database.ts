/**
 * The way to PostgreSQL. Whoever asks gets an answer or a 503 within the deadline: a pool that is exhausted, a
 * server that is gone and a server that has stopped answering all end as `unavailable`, and a connection that
 * missed its deadline is thrown away, never reused (node-postgres #3399). A COMMIT whose answer was lost is
 * `outcome_unknown`: not a success, and not a failure either.
 */
import { AsyncLocalStorage } from 'node:async_hooks'
import { drizzle, type NodePgDatabase } from 'drizzle-orm/node-postgres'
import pg from 'pg'
import { Problem, unavailable } from '../errors.ts'
import type { Log } from '../lib/log.ts'
import { createConnector } from './connection.ts'
import { requireDurableCommit } from './executor.ts'
import { isRefusal, outcomeUnknown, translate } from './failures.ts'

export type { Executor } from './executor.ts'

/** Longest time for anything, the wait for a connection included: below the promised 2 seconds. */
export const DEADLINE_MS = 1_700

/** When the request under way must have its answer, in milliseconds on the monotonic clock. */
const requestEnd = new AsyncLocalStorage<number>()

/** Runs `work`, and everything it awaits, under one deadline that begins now, however many queries it makes. */
export function withDeadline<T>(work: () => T): T {
  return requestEnd.run(performance.now() + DEADLINE_MS, work)
}

/** Runs `work` free of the deadline of the request it is for: what must go on after the answer is due. */
export function withoutDeadline<T>(work: () => T): T {
  return requestEnd.exit(work)
}

export type Database = ReturnType<typeof openDatabase>
export type Transaction = NodePgDatabase & {
  $client: pg.PoolClient
  /** Allows the rest of the transaction this many milliseconds from now, on both ends of the connection. */
  extend(ms: number): Promise<void>
}

export interface DatabaseOptions {
  /** Connections at most. */
  max?: number
  /** Milliseconds after which whoever asks gets a 503. */
  deadlineMs?: number
  /** Where connections that break while idle are noted; the next request opens a new one. */
  log?: Log
}

export function openDatabase(url: string, { max = 10, deadlineMs = DEADLINE_MS, log }: DatabaseOptions = {}) {
  const connector = createConnector(url, {
    name: 'global-logout',
    connectMs: deadlineMs,
    timeouts: { idleInTransactionMs: 5_000 },
  })
  const pool = new pg.Pool({
    Client: connector.Client,
    max,
    connectionTimeoutMillis: deadlineMs,
    idleTimeoutMillis: 60_000,
  })
  pool.on('error', (err) => log?.warn({ err }, 'idle database connection lost'))
  let poolGeneration = 0
  const generations = new WeakMap<pg.PoolClient, number>()
  pool.on('connect', (client) => void generations.set(client, poolGeneration))

  /** An idle connection of this poolGeneration, or a new one. */
  async function current(): Promise<pg.PoolClient> {
    for (;;) {
      const client = await connector.connectToAny(() => pool.connect())
      if (generations.get(client) === poolGeneration) return client
      client.release(true)
    }
  }

  /** A connection, unless `end` comes first; one that arrives later goes back unused. */
  async function connect(end: number): Promise<pg.PoolClient> {
    const connecting = current()
    const { promise: late, reject } = Promise.withResolvers<never>()
    const timer = setTimeout(() => {
      connecting.then((client) => client.release()).catch(() => {})
      reject(new Error('no connection to the database in time'))
    }, end - performance.now())
    try {
      return await Promise.race([connecting, late])
    } catch (error) {
      throw unavailable(error)
    } finally {
      clearTimeout(timer)
    }
  }

  /** Runs `work` on one connection, within the deadline, which `work` may set anew. Unless kept, it is closed. */
  async function withClient<T>(
    work: (client: pg.PoolClient, allow: (ms: number) => void) => Promise<T>,
    explain = translate,
    keep = true,
  ): Promise<T> {
    const end = Math.min(performance.now() + deadlineMs, requestEnd.getStore() ?? Number.POSITIVE_INFINITY)
    const client = await connect(end)
    const late = Promise.withResolvers<never>()
    let timer: NodeJS.Timeout | undefined
    const allow = (ms: number) => {
      clearTimeout(timer)
      timer = setTimeout(
        () => late.reject(unavailable(new Error(`no answer from the database within ${Math.round(ms)} ms`))),
        ms,
      )
    }
    allow(end - performance.now())
    let broken: Error | undefined
    try {
      return await Promise.race([work(client, allow), late.promise])
    } catch (error) {
      const problem = explain(error)
      if (problem instanceof Problem && problem.status === 503) broken = problem
      throw problem
    } finally {
      clearTimeout(timer)
      client.release(broken ?? !keep)
    }
  }

  /** Runs `work` on one connection, within the deadline. */
  function run<T>(
    work: (db: Transaction) => Promise<T>,
    explain = translate,
    { keep = true } = {},
  ): Promise<T> {
    const onClient = (client: pg.PoolClient, allow: (ms: number) => void) => {
      const extend = async (ms: number) => {
        await client.query(`set local statement_timeout = ${Math.floor(ms)}`)
        allow(ms)
      }
      return work(Object.assign(drizzle(client), { extend }))
    }
    return withClient(onClient, explain, keep)
  }

  /**
   * Runs `work` in a READ COMMITTED transaction, whatever the server's default: the race-free revocation relies
   * on every statement seeing what committed before it.
   */
  function transaction<T>(work: (tx: Transaction) => Promise<T>): Promise<T> {
    let committing = false
    return run(
      (db) =>
        inTransaction(db, work, (now) => {
          committing = now
        }),
      (error) => (committing && !isRefusal(error) ? outcomeUnknown(error) : translate(error)),
    )
  }

  /**
   * Runs `work` on a connection that is closed afterwards, and with it every lock and cursor that `work` left on it: for
   * work of many transactions (`inTransaction`), each of which extends the deadline.
   */
  function withOwnConnection<T>(work: (db: Transaction) => Promise<T>): Promise<T> {
    return run(work, translate, { keep: false })
  }

  /** One prepared query, its rows as arrays, without drizzle: the shape of the hot path. */
  function query<Row extends unknown[]>(prepared: {
    name: string
    text: string
    values: unknown[]
  }): Promise<Row[]> {
    return withClient(async (client) => (await client.query<Row>({ ...prepared, rowMode: 'array' })).rows)
  }

  return {
    pool,
    run,
    query,
    transaction,
    withOwnConnection,
    /** From now on only connections that are opened from now on: the database may have moved. */
    reconnect(): void {
      poolGeneration++
    },
    close: () => pool.end(),
  }
}

/** One transaction, as `transaction` has it, on a connection at hand. Tells `committing` while it is not known whether it did. */
export async function inTransaction<T>(
  db: Transaction,
  work: (tx: Transaction) => Promise<T>,
  committing: (now: boolean) => void = () => {},
): Promise<T> {
  await db.execute('begin isolation level read committed')
  let result: T
  try {
    await requireDurableCommit(db)
    result = await work(db)
  } catch (error) {
    // A connection that cannot roll back is closed by `run`, and PostgreSQL rolls back for it.
    await db.execute('rollback').catch(() => {})
    throw error
  }
  committing(true)
  const { command } = await db.execute('commit')
  committing(false)
  if (command !== 'COMMIT') throw unavailable(new Error('the transaction was rolled back'))
  return result
}
