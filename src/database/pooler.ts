/**
 * Recognises a pooler in transaction mode (PgBouncer, RDS Proxy). It may send each transaction to another server process, so that
 * verification, settings and LISTEN of a connection do not last. The other process may even be on a standby. Where
 * DATABASE_DIRECT_URL leads past the pooler, DATABASE_URL may lead to it (`pools.ts` says what goes where).
 */
import type pg from 'pg'
import { createConnector } from './connection.ts'
import { UnfitServer } from './server-state.ts'

const CONNECT_MS = 5_000
/** Queries to tell a pooler while other clients use it: with seven, 1 in 25 went undetected. */
const PROBES = 32
/** The connections of this file set nothing: a setting would reach other clients of the pooler. */
const OPTIONS = { name: 'global-logout start', connectMs: CONNECT_MS, pooled: true }

/** A setting leads where the service cannot work. */
export class WrongAddress extends UnfitServer {}

/** The addresses of one database. */
export interface DatabaseUrls {
  /** DATABASE_URL. */
  url: string
  /** DATABASE_DIRECT_URL: what needs a session goes there. Then `url` may lead to a pooler in transaction mode. */
  directUrl?: string | undefined
}

/**
 * @throws WrongAddress when what needs a session would go through a pooler in transaction mode, or when both URLs lead to different
 * servers or databases.
 */
export async function verifyUrls({ url, directUrl }: DatabaseUrls): Promise<void> {
  await refuseTransactionPooler(directUrl ?? url, directUrl ? ADVICE.directUrl : ADVICE.url)
  if (directUrl) await requireSameDatabase(url, directUrl)
}

/**
 * For commands: one round trip where no pooler is in between. A database that does not answer is left to the command.
 * @throws WrongAddress when it would go through a pooler in transaction mode, and leave its settings to other clients.
 */
export async function verifyForCommand({ url, directUrl }: DatabaseUrls): Promise<void> {
  if (await isPooled(directUrl ?? url).catch(() => false))
    await refuseTransactionPooler(directUrl ?? url, directUrl ? ADVICE.directUrl : ADVICE.url)
}

/** Whether the process that answers is another than the one that the connection was told. */
async function isPooled(url: string): Promise<boolean> {
  const client = await createConnector(url, OPTIONS).connect()
  try {
    const { rows } = await client.query<{ pid: number }>('select pg_catalog.pg_backend_pid() as pid')
    return rows[0]?.pid !== (client as unknown as { processID: number }).processID
  } finally {
    await client.end().catch(() => {})
  }
}

/** What to do, by the address that leads to a pooler. */
const ADVICE = {
  directUrl: 'DATABASE_DIRECT_URL must lead to PostgreSQL itself, or to session mode.',
  url: 'Set DATABASE_DIRECT_URL to the address of PostgreSQL itself, or let DATABASE_URL use session mode.',
}

/** @throws WrongAddress when two connections share a server process, or one connection uses several. */
export async function refuseTransactionPooler(url: string, advice: string): Promise<void> {
  const { connect } = createConnector(url, OPTIONS)
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
        if (owner !== client || seen.size > 2) throw transactionPooler(client, advice)
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

function transactionPooler({ host, port }: pg.Client, advice: string): WrongAddress {
  return new WrongAddress(
    `${host}:${port}`,
    'is a pooler in transaction mode, where no verification, setting or LISTEN lasts',
    advice,
    false,
  )
}

/** A logout that is committed elsewhere would not reach the leases. */
async function requireSameDatabase(url: string, directUrl: string): Promise<void> {
  const [pooled, direct] = [await identify(url), await identify(directUrl)]
  const differ = (['cluster', 'database', 'started'] as const).find((each) => pooled[each] !== direct[each])
  if (!differ) return
  throw new WrongAddress(
    direct.server,
    `is not where DATABASE_URL leads: ${DIFFERENCES[differ](direct, pooled)}`,
    'DATABASE_URL and DATABASE_DIRECT_URL must lead to one database of one server.',
    // A failover in between.
    differ === 'started',
  )
}

interface Identified {
  server: string
  cluster: string
  database: string
  started: string
}

const DIFFERENCES: Record<Exclude<keyof Identified, 'server'>, (a: Identified, b: Identified) => string> = {
  cluster: () => 'its system identifier is another',
  database: (direct, pooled) => `its database is ${direct.database}, not ${pooled.database}`,
  started: () => 'it is another server of the same cluster, or has just been restarted',
}

async function identify(url: string): Promise<Identified> {
  const client = await createConnector(url, OPTIONS).connect()
  try {
    const { rows } = await client.query<
      Omit<Identified, 'server'>
    >(`select pg_catalog.current_database() as database,
      (select system_identifier::text from pg_catalog.pg_control_system()) as cluster,
      extract(epoch from pg_catalog.pg_postmaster_start_time())::text as started`)
    return { server: `${client.host}:${client.port}`, ...(rows[0] as Omit<Identified, 'server'>) }
  } finally {
    await client.end().catch(() => {})
  }
}
