/**
 * Seals new operations every second, in every process; the database lets one at a time. Once an hour it tells the head of
 * the chain, so that it stands on record where whoever owns the tables cannot change it.
 */

import type { Database } from '../../database/database.ts'
import { every } from '../../lib/every.ts'
import type { Log } from '../../lib/log.ts'
import { readChainHead, seal } from './chain.ts'

const SEAL_MS = 1_000
const NOTE_MS = 3_600_000

/** Seals until closed. */
export function startSealer(
  database: Pick<Database, 'run' | 'transaction'>,
  log: Log,
  { sealMs = SEAL_MS, noteMs = NOTE_MS } = {},
) {
  let noted = Number.NEGATIVE_INFINITY
  return every({ ms: sealMs, log, failed: 'could not seal new operations' }, async () => {
    await seal(database)
    if (performance.now() - noted < noteMs) return
    log.info({ head: await readChainHead(database) }, 'audit chain head')
    noted = performance.now()
  })
}
