/**
 * The connections of one pool. Each was verified when it opened, and is used only while it leads to the server that the caller
 * needs: a connection to a server that is no longer the primary may stay open.
 */
import pg from 'pg'
import { unavailable } from '../errors.ts'
import type { Log } from '../lib/log.ts'
import { type Client, type ConnectorOptions, createConnector } from './connection.ts'
import type { Fence } from './fence.ts'
import { otherServer } from './server-state.ts'

/** A connection without use for so many milliseconds is closed: an idle service holds few. */
const IDLE_MS = 10_000

export type PoolClient = pg.PoolClient & Client

interface PoolOptions extends Omit<ConnectorOptions, 'name'> {
  max: number
  log: Log | undefined
}

/**
 * A connection that leads to this server, of those that `next` gives: idle ones, then a new one. One that leads elsewhere is closed.
 * @param server null for any primary. @param met as of the fence. @throws UnfitServer when a new one leads elsewhere.
 */
export async function connectionTo<
  C extends Pick<PoolClient, 'serverId' | 'server' | 'tryOtherHost' | 'release'>,
>(server: string | null, next: () => Promise<{ client: C; isNew: boolean }>, met?: Fence['met']): Promise<C> {
  for (;;) {
    const { client, isNew } = await next()
    if (server === null || client.serverId === server) return client
    client.release(true)
    if (!isNew) continue
    if (client.serverId) met?.(client.serverId)
    client.tryOtherHost()
    throw otherServer(client.server)
  }
}

export function createPool(url: string, { max, log, ...options }: PoolOptions) {
  const connector = createConnector(url, { name: 'global-logout', ...options })
  const pool = new pg.Pool({
    Client: connector.Client,
    max,
    connectionTimeoutMillis: options.connectMs,
    idleTimeoutMillis: IDLE_MS,
  })
  pool.on('error', (err) => log?.warn({ err }, 'idle database connection lost'))
  const unused = new WeakSet<pg.PoolClient>()
  pool.on('connect', (client) => void unused.add(client))

  const next = async () => {
    const client = (await pool.connect()) as PoolClient
    return { client, isNew: unused.delete(client) }
  }

  return {
    pool,
    /**
     * A connection before `end`, in milliseconds on the monotonic clock. One that arrives later is released unused.
     * @param server as `SERVER_ID` names it: the connection leads there; null for any primary. Behind a pooler each transaction
     * verifies it instead. @param met as of the fence.
     */
    async connect(end: number, server: string | null, met?: Fence['met']): Promise<PoolClient> {
      const connecting = connector.connectToAny(() => connectionTo(options.pooled ? null : server, next, met))
      const { promise: late, reject } = Promise.withResolvers<never>()
      const timer = setTimeout(
        () => {
          connecting.then((client) => client.release()).catch(() => {})
          reject(new Error('no connection to the database in time'))
        },
        Math.max(0, end - performance.now()),
      )
      try {
        return await Promise.race([connecting, late])
      } catch (error) {
        throw unavailable(error)
      } finally {
        clearTimeout(timer)
      }
    },
    /** Of several hosts the next connection tries another one first. */
    tryOtherHost: connector.tryOtherHost,
  }
}
