/**
 * Runs statements on whatever the application has: a connection string, a pool of node-postgres, or a drizzle database of any
 * PostgreSQL driver with transactions. Statements have no names, because a pooler in transaction mode mixes them up (42P05, 26000).
 */
import type { PgDatabase, PgQueryResultHKT } from 'drizzle-orm/pg-core'

/** Runs a function call `select … as answer`, with all values as text. @returns its rows' `answer`, from JSON. */
export type Ask = <Answer>(text: string, values: (string | null)[]) => Promise<Answer[]>

export interface Connection {
  ask: Ask
  /** Runs `work` in a transaction that sees what was committed before each statement. Resolves after the commit. */
  transaction<T>(work: (ask: Ask) => Promise<T>): Promise<T>
  close(): Promise<void>
}

/** The part of a `pg.Pool` that is used; those of Neon and Vercel have it, too. */
export interface PoolLike {
  query(text: string, values: unknown[]): Promise<{ rows: { answer: string }[] }>
  connect(): Promise<PoolClientLike>
}
interface PoolClientLike {
  query(text: string, values?: unknown[]): Promise<{ command: string; rows: { answer: string }[] }>
  release(error?: Error | boolean): void
}

// biome-ignore lint/suspicious/noExplicitAny: any schema
export type DrizzleDatabase = PgDatabase<PgQueryResultHKT, any>

const parsed = <Answer>(rows: { answer: string }[]): Answer[] => rows.map(({ answer }) => JSON.parse(answer))

export function onPool(pool: PoolLike, close = async () => {}): Connection {
  return {
    ask: async (text, values) => parsed((await pool.query(text, values)).rows),
    close,
    async transaction(work) {
      const client = await pool.connect()
      let broken: Error | undefined
      try {
        await client.query('begin isolation level read committed')
        const result = await work(async (text, values) => parsed((await client.query(text, values)).rows))
        const { command } = await client.query('commit')
        if (command !== 'COMMIT') throw new Error('the transaction was rolled back')
        return result
      } catch (error) {
        // Closed, because it may still be inside the transaction, or have lost its server.
        broken = error as Error
        throw error
      } finally {
        client.release(broken)
      }
    },
  }
}
