/**
 * A PostgreSQL of its own for a run, on a fixed port; it can be killed, all processes at once. Linux only.
 */
import { rmSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { type Embedded, startEmbedded } from '../../../demo/embedded.ts'
import { migrate } from '../../../src/database/migrate.ts'
import { freePort } from '../../support/ports.ts'
import { killServer } from '../../support/server-processes.ts'
import { onExit } from './leftovers.ts'

/**
 * Without fsync, as on a machine without power failures: the kernel still has what a killed process had
 * written. Instances and prover together open up to 80 connections.
 */
export const SETTINGS = { fsync: 'off', max_connections: '200' }

export type Postgres = Awaited<ReturnType<typeof startPostgres>>

export async function startPostgres() {
  const folder = await mkdtemp(join(tmpdir(), 'global-logout-prove-'))
  const port = await freePort()
  const start = () => startEmbedded(folder, { port, settings: SETTINGS })

  /** A crash: nothing is flushed, and no client is notified. */
  function killAll(): void {
    killServer(join(folder, 'postgres'))
  }

  const forget = onExit(() => {
    killAll()
    rmSync(folder, { recursive: true, force: true })
  })
  let running: Embedded = await start()
  await migrate(running.url)

  return {
    url: running.url,
    port,
    kill: killAll,
    /** Starts again after a kill; the server recovers by itself. */
    async restart(): Promise<void> {
      for (let triesLeft = 5; ; triesLeft--) {
        try {
          running = await start()
          return
        } catch (error) {
          if (triesLeft === 0) throw error
          await sleep(500)
        }
      }
    },
    async stop(): Promise<void> {
      await running.stop()
      await rm(folder, { recursive: true, force: true })
      forget()
    },
  }
}
