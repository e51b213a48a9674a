/**
 * A pool of connections to PostgreSQL with deadlines (`calls.ts`), for drizzle, and for queries without it. A COMMIT without an answer
 * gives `outcome_unknown`: it may have succeeded.
 */
import { drizzle, type NodePgDatabase } from 'drizzle-orm/node-postgres'
import type pg from 'pg'
import type { Log } from '../lib/log.ts'
import { type CallOptions, createOnClient, DEADLINE_MS } from './calls.ts'
import { type Client, completeTimeouts } from './connection.ts'
import { isRefusal, outcomeUnknown, translate } from './failures.ts'
import type { Fence } from './fence.ts'
import { createPool } from './pool.ts'
import { createPooledStatements, type Prepared } from './pooled-client.ts'
import { inTransaction } from './transaction.ts'

export { withDeadline, withoutDeadline } from './calls.ts'
export type { Executor } from './executor.ts'

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

/** The calls on these connections. Exported for the simulation of leases, which has connections of its own. */
export function createCalls({
  statements,
  ...options
}: CallOptions & { statements: ReturnType<typeof createPooledStatements> | null }) {
  const onClient = createOnClient(options)

  /** Runs `work` on one connection, within the deadline. */
  function onConnection<T>(
    work: (db: Transaction, client: Client, server: string | null) => Promise<T>,
    {
      explain = translate,
      keep = true,
      drizzleOn = (client: Client, _server: string | null): unknown => client,
    } = {},
  ): Promise<T> {
    return onClient(
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
    return onClient(async (client, _setDeadline, server) => {
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
