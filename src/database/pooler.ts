/**
 * Refuses a pooler in transaction mode (PgBouncer, RDS Proxy). It may send each transaction to another server process, so that
 * verification, settings and LISTEN of a connection do not last. The other process may even be on a standby.
 */
import type pg from 'pg'
import { createConnector, UnfitServer } from './connection.ts'

const CONNECT_MS = 5_000
/** Queries to tell a pooler while other clients use it: with seven, 1 in 25 went undetected. */
const PROBES = 32

/** @throws UnfitServer when two connections share a server process, or one connection uses several. */
export async function refuseTransactionPooler(url: string): Promise<void> {
  const { connect } = createConnector(url, { name: 'global-logout start', connectMs: CONNECT_MS })
  const clients: pg.Client[] = []
  try {
    const [first, second] = [await opened(connect()), await opened(connect())]
    const seen = new Map<number, pg.Client>()
    for (let probe = 0; probe < PROBES; probe++) {
      // Pairs alternate, because a pooler takes the most recently freed server (PgBouncer's default) or rotates.
      const client = probe % 4 < 2 ? first : second
      const { rows } = await client.query<{ pid: number }>('select pg_catalog.pg_backend_pid() as pid')
      for (const { pid } of rows) {
        const owner = seen.get(pid) ?? client
        seen.set(pid, owner)
        if (owner !== client || seen.size > 2) throw transactionPooler(client)
      }
    }
  } finally {
    await Promise.all(clients.map((client) => client.end().catch(() => {})))
  }

  async function opened(connecting: Promise<pg.Client>): Promise<pg.Client> {
    const client = await connecting
    clients.push(client)
    return client
  }
}

function transactionPooler({ host, port }: pg.Client): UnfitServer {
  return new UnfitServer(
    `${host}:${port}`,
    'is a pooler in transaction mode, where no verification, setting or LISTEN lasts',
    'DATABASE_URL must bypass it, or use its session mode.',
    false,
  )
}
