/**
 * Admits a server only once nothing is missing there that this process had acknowledged: until then nothing is answered. In leased mode
 * the server that grants the lease asks to be admitted; in database mode `startWatch` finds it.
 */
import { SERVER_ID } from '../database/connection-settings.ts'
import { type Database, openDatabase } from '../database/database.ts'
import { fetchRows } from '../database/rows.ts'
import { Problem } from '../errors.ts'
import type { LeaseFence } from '../leases/fence.ts'
import type { Log } from '../lib/log.ts'
import { sleep } from '../lib/sleep.ts'
import type { Reconciler } from './reconcile.ts'

/** Pause between two tries, in milliseconds. */
const RETRY_MS = 500
/** For a query, in milliseconds. */
const DEADLINE_MS = 10_000

export interface Admission {
  /**
   * Resolves once the server has everything, and rejects when `signal` is aborted.
   * @param failed called after each try in vain.
   */
  admit(server: string, signal: AbortSignal, failed: (problem: Problem) => void): Promise<void>
}

/** @param url what needs a session goes there. */
export function createAdmission(
  url: string,
  reconciler: Pick<Reconciler, 'reconcile' | 'counts'>,
  log: Log,
): Admission {
  let admitted: string | null = null

  async function admit(server: string, signal: AbortSignal, failed: (problem: Problem) => void) {
    if (server === admitted) return
    for (;;) {
      signal.throwIfAborted()
      try {
        await onServer(url, server, (database) => reconciler.reconcile(database, server, signal))
        admitted = server
        return
      } catch (cause) {
        signal.throwIfAborted()
        const { missing } = reconciler.counts
        log.error({ err: cause, server, missing }, 'acknowledged operations not carried out again; trying on')
        const detail =
          'The database may lack sign-outs that were confirmed. They are being carried out again.'
        failed(new Problem('unavailable', detail, { cause }))
        await sleep(RETRY_MS, signal)
      }
    }
  }

  return { admit }
}

/** Runs `work` on connections of its own, which lead to this server. They open when they are needed. */
async function onServer<T>(
  url: string,
  server: string,
  work: (database: Database) => Promise<T>,
): Promise<T> {
  const fence = { server, enter: async () => server }
  const database = openDatabase(url, { max: 3, deadlineMs: DEADLINE_MS, fence })
  try {
    return await work(database)
  } finally {
    await database.close()
  }
}

/** The server that answers now. */
async function findServer(url: string): Promise<string> {
  const database = openDatabase(url, { max: 1, deadlineMs: DEADLINE_MS })
  try {
    const [row] = await database.run((db) => fetchRows<{ id: string }>(db, `select ${SERVER_ID} as id`))
    if (!row) throw new Error('the server has no name')
    return row.id
  } finally {
    await database.close()
  }
}

/** Opens the fence of database mode for the server that answers, and for the next one when a connection meets it. */
export function createWatch(url: string, admission: Admission, fence: LeaseFence) {
  const stop = new AbortController()
  let opening: Promise<void> | null = null

  async function open(): Promise<void> {
    while (!stop.signal.aborted) {
      try {
        const server = await findServer(url)
        // Given up after a while, because meanwhile it may be replaced.
        const signal = AbortSignal.any([stop.signal, AbortSignal.timeout(3 * DEADLINE_MS)])
        await admission.admit(server, signal, fence.close)
        return fence.open({ server, holds: () => true })
      } catch (error) {
        fence.close(error)
        await sleep(RETRY_MS, stop.signal)
      }
    }
  }

  function begin(): void {
    opening ??= open().finally(() => {
      opening = null
    })
  }

  return {
    /** A connection leads to this server. */
    met(server: string): void {
      if (opening || server === fence.server) return
      fence.close(null)
      begin()
    },
    start() {
      begin()
      return {
        async close(): Promise<void> {
          stop.abort()
          await opening
        },
      }
    },
  }
}
