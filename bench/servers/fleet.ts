/**
 * Many instances in one process: each holds a lease by the service's own code, over one connection of its own that also listens, and
 * answers no checks. `GET /` tells how many leases are held.
 *
 *     node fleet.ts INSTANCES
 */
import { createServer } from 'node:http'
import { createSessionCache } from '../../src/check/cache.ts'
import type { Database } from '../../src/database/database.ts'
import { createInstance, keepLease } from '../../src/leases/instance.ts'
import { REVOKED } from '../../src/leases/notice.ts'
import { instanceStore } from '../../src/leases/queries.ts'
import { sleep } from '../../src/lib/sleep.ts'
import { host, port } from './common.ts'
import { connectWire } from './wire.ts'

const instances = Number(process.argv[2])
/** Connections that open at once. */
const AT_ONCE = 20
const clock = () => performance.now()
const counts = { held: 0, lost: 0 }
const closers: (() => Promise<void>)[] = []

async function join(): Promise<void> {
  let wake = (_text: string): void => {}
  const wire = await connectWire(process.env.DATABASE_URL ?? '', REVOKED, (text) => wake(text))
  const cache = createSessionCache(1)
  const instance = createInstance(instanceStore({ query: wire.query as Database['query'] }), cache, clock)
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
  wake = holder.wake
  closers.push(async () => {
    await holder.close()
    wire.end()
  })
}

for (let joined = 0; joined < instances; joined += AT_ONCE)
  await Promise.all(Array.from({ length: Math.min(AT_ONCE, instances - joined) }, join))
createServer((_, response) => response.end(JSON.stringify(counts))).listen(port, host)
process.once('SIGTERM', () => void Promise.all(closers.map((close) => close())).then(() => process.exit(0)))
