/** Refuses and cuts all connections to the database while `work` runs, like a failover. */
import { admin } from './server.ts'
import type { Service } from './service.ts'

export async function duringOutage(service: Service, work: () => Promise<void>): Promise<void> {
  await allowConnections(service, false)
  try {
    await work()
  } finally {
    await allowConnections(service, true)
  }
}

async function allowConnections({ database }: Service, allowed: boolean): Promise<void> {
  const name = new URL(database.url).pathname.slice(1)
  await admin(process.env.TEST_SERVER_URL ?? '', async (client) => {
    await client.query(`alter database ${name} allow_connections ${allowed}`)
    if (!allowed)
      await client.query('select pg_terminate_backend(pid) from pg_stat_activity where datname = $1', [name])
  })
}
