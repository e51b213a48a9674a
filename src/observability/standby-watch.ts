/** Counts the standbys for the metrics, at once and then every ten seconds. */
import type { Database } from '../database/database.ts'
import { countStandbys, type Standbys } from '../database/standbys.ts'
import { every } from '../lib/every.ts'
import type { Log } from '../lib/log.ts'

const WATCH_MS = 10_000

export function startStandbyWatch({ query }: Pick<Database, 'query'>, log: Log, ms = WATCH_MS) {
  const counts: Standbys = { synchronous: 0, asynchronous: 0, unknown: 0 }
  const loop = every({ ms, log, failed: 'standbys not counted' }, async () =>
    Object.assign(counts, await countStandbys(query)),
  )
  void loop.run()
  return { counts: counts as Readonly<Standbys>, close: loop.close }
}
