/** Watches once a minute for what holds back vacuum, for the metrics, and writes to the log when it begins to harm and when it ends. */
import type { Database } from '../database/database.ts'
import { describeSnapshot, findOldSnapshots, HOLDERS, type Holder, isOld } from '../database/old-snapshots.ts'
import { every } from '../lib/every.ts'
import type { Log } from '../lib/log.ts'

/** By holder; 0 where there is none. */
export type SnapshotAges = Readonly<Record<Holder, { seconds: number; transactions: number }>>

const WATCH_MS = 60_000
const NONE = { seconds: 0, transactions: 0 }

export function startSnapshotWatch({ run }: Pick<Database, 'run'>, log: Log, ms = WATCH_MS) {
  const ages: Record<Holder, { seconds: number; transactions: number }> = {
    transaction: NONE,
    prepared: NONE,
    slot: NONE,
    standby: NONE,
  }
  const old = new Set<Holder>()
  const loop = every({ ms, log, failed: 'old snapshots not read' }, async () => {
    const { oldest } = await run(findOldSnapshots)
    for (const holder of HOLDERS) {
      const found = oldest.get(holder)
      ages[holder] = { seconds: found?.seconds ?? 0, transactions: found?.transactions ?? 0 }
      if (found && isOld(found) && !old.has(holder)) {
        old.add(holder)
        log.warn({ ...found }, `vacuum is held back: ${describeSnapshot(found)}`)
      } else if (!(found && isOld(found)) && old.delete(holder))
        log.info({ holder }, 'vacuum is held back no more')
    }
  })
  return { ages: ages as SnapshotAges, close: loop.close }
}
