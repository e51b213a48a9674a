/** Starts a PostgreSQL for one test file, for tests that stop or freeze it or read its log. */
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { startEmbedded } from '../../demo/embedded.ts'
import { migrate } from '../../src/database/migrate.ts'
import { freePort } from './ports.ts'
import { signalServer } from './server-processes.ts'

/** Small and few files of write-ahead log: most of what a test copies of a server would be empty ones. */
const SMALL = { wal_init_zero: 'off', wal_recycle: 'off' }

/** Starts a migrated server on a port that stays the same when it is stopped and started again. */
export async function ownServer(given: Record<string, string> = {}) {
  const settings = { ...SMALL, ...given }
  const folder = await mkdtemp(join(tmpdir(), 'global-logout-own-'))
  const port = await freePort()
  let running = await startEmbedded(folder, { port, settings })
  let up = true
  await migrate(running.url)
  t.teardown(async () => {
    if (up) await running.stop()
    await rm(folder, { recursive: true, force: true })
  })
  const data = join(folder, 'postgres')
  return {
    folder,
    url: running.url,
    stop: async () => {
      up = false
      await running.stop()
    },
    start: async () => {
      running = await startEmbedded(folder, { port, settings })
      up = true
    },
    /** Freezes every process of the server; its connections stay open. Linux only. */
    freeze: () => signalServer(data, 'SIGSTOP'),
    thaw: () => signalServer(data, 'SIGCONT'),
    log: () => readFile(join(folder, 'postgres.log'), 'utf8'),
  }
}
