/**
 * Refuses a pooler that lends a server for one transaction at a time (PgBouncer's transaction mode, RDS Proxy). A connection
 * through it has been verified, has its settings and listens on one server, and asks the next query of another, which may
 * be a standby meanwhile.
 */
import type pg from 'pg'
import { createConnector, UnfitServer } from './connection.ts'

const CONNECT_MS = 5_000
/** So many questions, while others use the pooler, too: seven missed one in 25. */
const QUESTIONS = 32

/** @throws UnfitServer when two connections share a server process, or one does not keep its own. */
export async function refuseTransactionPooler(url: string): Promise<void> {
  const { connect } = createConnector(url, { name: 'global-logout start', connectMs: CONNECT_MS })
  const clients: pg.Client[] = []
  try {
    const [first, second] = [await kept(connect()), await kept(connect())]
    const seen = new Map<number, pg.Client>()
    for (let asked = 0; asked < QUESTIONS; asked++) {
      // Two each in turn: a pooler may lend the server that was free last (PgBouncer's default) or all in turn.
      const client = asked % 4 < 2 ? first : second
      const { rows } = await client.query<{ pid: number }>('select pg_catalog.pg_backend_pid() as pid')
      for (const { pid } of rows) {
        const owner = seen.get(pid) ?? client
        seen.set(pid, owner)
        if (owner !== client || seen.size > 2) throw lent(client)
      }
    }
  } finally {
    await Promise.all(clients.map((client) => client.end().catch(() => {})))
  }

  async function kept(connecting: Promise<pg.Client>): Promise<pg.Client> {
    const client = await connecting
    clients.push(client)
    return client
  }
}

function lent({ host, port }: pg.Client): UnfitServer {
  return new UnfitServer(
    `${host}:${port}`,
    'is a pooler in transaction mode, where no verification, setting or LISTEN lasts',
    'DATABASE_URL must lead past it, or to its session mode.',
    false,
  )
}
