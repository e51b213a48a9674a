/**
 * Many instances in one process: each holds a lease by the service's own code, over one connection of its own that also listens, and
 * answers no checks. `GET /` tells how many leases are held.
 *
 *     node fleet.ts INSTANCES
 */
import { createServer } from 'node:http'
import pg from 'pg'
import { createSessionCache } from '../../src/check/cache.ts'
import type { Database } from '../../src/database/database.ts'
import type { Prepared } from '../../src/database/pooled-client.ts'
import { createInstance, keepLease } from '../../src/leases/instance.ts'
import { instanceStore, REVOKED } from '../../src/leases/queries.ts'
import { sleep } from '../../src/lib/sleep.ts'
import { host, port } from './common.ts'

const instances = Number(process.argv[2])
/** Connections that open at once. */
const AT_ONCE = 20
const clock = () => performance.now()
const counts = { held: 0, lost: 0 }
const closers: (() => Promise<void>)[] = []

async function join(): Promise<void> {
  const client = new pg.Client({ connectionString: process.env.DATABASE_URL ?? '' })
  client.on('error', () => {})
  await client.connect()
  const query = async (statement: Prepared) =>
    (await client.query({ ...statement, rowMode: 'array' } as pg.QueryArrayConfig)).rows
  const cache = createSessionCache(1)
  const instance = createInstance(instanceStore({ query: query as Database['query'] }), cache, clock)
  const holder = keepLease(
    instance,
    { clock, sleep },
    {
      leased: () => void counts.held++,
      lost() {
        counts.held--
        counts.lost++
      },
    },
  )
  client.on('notification', holder.wake)
  await client.query(`listen ${pg.escapeIdentifier(REVOKED)}`)
  closers.push(async () => {
    await holder.close()
    await client.end()
  })
}

for (let joined = 0; joined < instances; joined += AT_ONCE)
  await Promise.all(Array.from({ length: Math.min(AT_ONCE, instances - joined) }, join))
createServer((_, response) => response.end(JSON.stringify(counts))).listen(port, host)
process.once('SIGTERM', () => void Promise.all(closers.map((close) => close())).then(() => process.exit(0)))
