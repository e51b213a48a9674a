/**
 * Seals new operations every second, in one process of each machine; the database admits one at a time. Once an hour it logs the
 * chain head, where the owner of the tables cannot change it.
 */

import type { Database } from '../../database/database.ts'
import { every } from '../../lib/every.ts'
import type { Log } from '../../lib/log.ts'
import { readChainHead, seal } from './chain.ts'
import type { SealedLinks } from './sealed.ts'

const SEAL_MS = 1_000
const LOG_HEAD_MS = 3_600_000

interface SealerOptions {
  sealMs?: number
  logHeadMs?: number
  /** Called when this process has sealed new operations, with their links. */
  sealed?: (links: SealedLinks) => Promise<void>
}

/** Seals until closed. */
export function startSealer(
  database: Pick<Database, 'run' | 'transaction'>,
  log: Log,
  { sealMs = SEAL_MS, logHeadMs = LOG_HEAD_MS, sealed }: SealerOptions = {},
) {
  let noted = Number.NEGATIVE_INFINITY
  return every({ ms: sealMs, log, failed: 'could not seal new operations' }, async () => {
    await seal(database, sealed)
    if (performance.now() - noted < logHeadMs) return
    log.info({ head: await readChainHead(database) }, 'audit chain head')
    noted = performance.now()
  })
}
