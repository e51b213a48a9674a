/**
 * Statements and transactions through a pooler in transaction mode (PgBouncer). Each transaction may run in another server process,
 * on another server, with the settings that another client left. So each one first verifies the server and sets what it needs, in
 * the round trip of its `begin`, and leaves nothing behind; a call of a function that does so itself saves it. Statements have no
 * names.
 */
import type pg from 'pg'
import { unavailable } from '../errors.ts'
import type { Client } from './connection.ts'
import { beginSql, callSql, type Timeouts } from './connection-settings.ts'
import { sqlState } from './failures.ts'
import type { Fence } from './fence.ts'
import type { Statement } from './pipeline.ts'

type Begin = ReturnType<typeof beginSql>

const DIVISION_BY_ZERO = '22012'
/** What would change or need more than one statement. */
const NEEDS_MORE = /^\s*(begin|start|commit|end|rollback|abort|savepoint|set|listen|declare|lock|prepare)\b/i

/** A statement that is prepared by name where no pooler is in between. */
export interface Prepared {
  name: string
  text: string
  values: unknown[]
  /** What is sent through a pooler instead: a call of a function that verifies the server and has its own settings. */
  pooledText?: string
}

/** @param fence hears of another server. */
export function createPooledStatements(timeouts: Timeouts, fence?: Fence) {
  const begins = new Map<string, Begin>()

  /** @param kind the begin of a statement, of a durable transaction, or of the call of a function. */
  function beginOn(server: string | null, kind: 'statement' | 'durable' | 'call'): Begin {
    const key = `${kind} ${server}`
    let begin = begins.get(key)
    if (begin) return begin
    begin = kind === 'call' ? callSql(timeouts, server) : beginSql(timeouts, kind === 'durable', server)
    // A failover changes the server: the texts of earlier ones are not needed any more.
    if (begins.size >= 8) begins.clear()
    begins.set(key, begin)
    return begin
  }

  /**
   * @param server as `SERVER_ID` names it: only there the statements run; null for any primary.
   * @throws Problem `unavailable` when the server is unfit.
   */
  async function send(
    client: Client,
    server: string | null,
    statements: readonly Statement[],
    text: string,
  ): Promise<pg.QueryResult[]> {
    const pipeline = client.sendTogether(statements, text)
    try {
      return await pipeline.results
    } catch (error) {
      // A lost connection cannot roll back; the pool does not keep it.
      await client.query('rollback').catch(() => {})
      const verifying = pipeline.completed === 1
      if (!verifying || sqlState(error) !== DIVISION_BY_ZERO) throw error
      await client.verify(server).catch((unfit) => {
        if (client.serverId && client.serverId !== server) fence?.met?.(client.serverId)
        throw unavailable(unfit)
      })
      // By now another server answers.
      throw unavailable(error)
    }
  }

  /** One statement in a transaction of its own: one round trip. @param pooledText as in `Database.query`. */
  async function statement(
    client: Client,
    server: string | null,
    { name: _, ...query }: pg.QueryConfig,
    pooledText?: string,
  ): Promise<pg.QueryResult> {
    const text = pooledText ?? query.text
    const begin = beginOn(server, pooledText === undefined ? 'statement' : 'call')
    const results = await send(client, server, [...begin, { ...query, text }, 'commit'], text)
    return results[begin.length] as pg.QueryResult
  }

  return {
    statement,
    /** Begins a transaction whose commit is durable: one round trip. */
    begin(client: Client, server: string | null): Promise<unknown> {
      const begin = beginOn(server, 'durable')
      return send(client, server, begin, begin[0])
    },
    /** A client for drizzle that runs each statement in a transaction of its own. */
    each: (client: Client, server: string | null) => ({
      async query(query: string | pg.QueryConfig, values?: unknown[]): Promise<pg.QueryResult> {
        const config = typeof query === 'string' ? { text: query } : query
        if (NEEDS_MORE.test(config.text))
          throw new Error(
            `"${config.text.slice(0, 40)}" needs a transaction: each statement has its own here`,
          )
        return statement(client, server, values ? { ...config, values } : config)
      },
    }),
  }
}
