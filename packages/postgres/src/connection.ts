/**
 * Runs statements on whatever the application has: a connection string, a pool of node-postgres, or a drizzle database of any
 * PostgreSQL driver with transactions. Statements have no names, because a pooler in transaction mode mixes them up (42P05, 26000).
 */
import { loadPg } from './pg.ts'

/** Runs a function call `select … as answer`, with all values as text. @returns its rows' `answer`, from JSON. */
export type Ask = <Answer>(text: string, values: (string | null)[]) => Promise<Answer[]>

export interface Connection {
  ask: Ask
  /** Runs `work` in a transaction that sees what was committed before each statement. Resolves after the commit. */
  transaction<T>(work: (ask: Ask) => Promise<T>): Promise<T>
  /** Whether other code may end the transaction on the same connection, so that a commit has to be verified. */
  shared: boolean
  close(): Promise<void>
}

/** The part of a `pg.Pool` that is used; those of Neon and Vercel have it, too. */
export interface PoolLike {
  query(query: Statement): Promise<{ rows: { answer: string }[] }>
  connect(): Promise<PoolClientLike>
}
interface PoolClientLike {
  query(query: Statement): Promise<{ command: string; rows: { answer: string }[] }>
  release(error?: Error | boolean): void
}
interface Statement {
  text: string
  values?: unknown[]
  /** The time for its answer, in milliseconds. */
  query_timeout: number
}

/** The part of a drizzle database that is used. Its own types are not named: an application that gives a pool has no drizzle. */
export interface DrizzleDatabase {
  readonly _: { readonly session: object }
  // biome-ignore lint/suspicious/noExplicitAny: a query of drizzle
  execute(query: any): PromiseLike<unknown>
  transaction<T>(
    // biome-ignore lint/suspicious/noExplicitAny: a transaction of any schema
    work: (tx: any) => Promise<T>,
    config?: { isolationLevel?: 'read committed' },
  ): Promise<T>
}

const parsed = <Answer>(rows: { answer: string }[]): Answer[] => rows.map(({ answer }) => JSON.parse(answer))

/** @param timeoutMs limit of each statement. A connection that missed it is closed, because its answer may still come. */
export function onPool(pool: PoolLike, timeoutMs: number, close = async () => {}): Connection {
  const statement = (text: string, values?: unknown[]): Statement => ({
    text,
    ...(values && { values }),
    query_timeout: timeoutMs,
  })
  return {
    ask: async (text, values) => parsed((await pool.query(statement(text, values))).rows),
    shared: false,
    close,
    async transaction(work) {
      const client = await pool.connect()
      let broken: Error | undefined
      try {
        await client.query(statement('begin isolation level read committed'))
        const result = await work(async (text, values) =>
          parsed((await client.query(statement(text, values))).rows),
        )
        const { command } = await client.query(statement('commit'))
        if (command !== 'COMMIT') throw new Error('the transaction was rolled back')
        return result
      } catch (error) {
        // Closed, because it may still be inside the transaction, or have lost its server.
        broken = error instanceof Error ? error : new Error(String(error))
        throw error
      } finally {
        client.release(broken)
      }
    },
  }
}

/** A pool of our own, made at its first use. */
export function onConnectionString(connectionString: string, timeoutMs: number): Connection {
  let made: Promise<import('pg').Pool> | undefined
  const pool = () => (made ??= ownPool(connectionString, timeoutMs))
  const own: PoolLike = {
    query: async (query) => (await pool()).query(query),
    connect: async () => (await pool()).connect(),
  }
  return onPool(own, timeoutMs, async () => (await made)?.end())
}

async function ownPool(connectionString: string, timeoutMs: number): Promise<import('pg').Pool> {
  const pg = await loadPg(', or give createDatabaseSessions a pool or a db')
  const pool = new pg.Pool({
    connectionString,
    max: 10,
    connectionTimeoutMillis: timeoutMs,
    idleTimeoutMillis: 60_000,
    keepAlive: true,
  })
  // A broken idle connection is replaced by the next act.
  pool.on('error', () => {})
  return pool
}
