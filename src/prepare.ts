/** Prepares the database before the service listens: waits for it, applies migrations, and writes the session policy. */
import type { Config } from './config.ts'
import type { Executor } from './database/database.ts'
import { rootCause } from './database/failures.ts'
import { migrate } from './database/migrate.ts'
import { type DatabaseUrls, verifyUrls } from './database/pooler.ts'
import { requireAllRows } from './database/row-security.ts'
import { isTemporaryFailure } from './database/server-state.ts'
import type { Log } from './lib/log.ts'
import { sleep } from './lib/sleep.ts'
import { recordOperationWithoutRevocations } from './operations/record.ts'
import { createServices, type Services } from './services.ts'
import { currentXid } from './sessions/queries.ts'
import { writePolicy } from './sessions/validity.ts'
import { TABLES } from './tables.ts'

/** How long a start waits for the database, in milliseconds. */
const DATABASE_TIMEOUT_MS = 30_000
/** Deadline for a policy change, in milliseconds: it first deletes sessions that ended under the old policy, perhaps many. */
const POLICY_MS = 10 * 60_000

/** The actor of a policy change in the audit log. */
const SETTINGS = { actorKind: 'system', actorId: 'settings' } as const

/** @param seed adds the demo users. */
export async function prepare(
  config: Config,
  urls: DatabaseUrls,
  log: Log,
  seed: (db: Executor) => Promise<unknown> = async () => {},
): Promise<void> {
  const restored = () => log.warn('the database was restored from another server: its record goes on here')
  // A start does all by itself past the pooler.
  const url = urls.directUrl ?? urls.url
  await retryUntilReady(log, () => verifyUrls(urls))
  const applied = await retryUntilReady(log, () => migrate(url, restored))
  if (applied > 0) log.info({ applied }, 'migrations applied')
  const services = createServices(config, log, { url })
  try {
    await services.database.run((db) => requireAllRows(db, TABLES))
    await applyPolicy(services)
    // Says in the log what is wrong with the replica, before staff read it.
    await services.reads.run(async () => {})
    await services.database.run(seed)
  } finally {
    await services.close()
  }
}

/** Retries `work` every second until the database is ready, for at most 30 s. @throws the last error. */
async function retryUntilReady<T>(log: Log, work: () => Promise<T>): Promise<T> {
  for (const deadline = Date.now() + DATABASE_TIMEOUT_MS; ; await sleep(1_000)) {
    try {
      return await work()
    } catch (error) {
      const cause = rootCause(error)
      if (!isTemporaryFailure(cause) || Date.now() > deadline) throw error
      const { message, code } = cause as NodeJS.ErrnoException
      log.warn({ reason: message || code }, 'waiting for the database')
    }
  }
}

/** Writes the policy. If it changed, waits until no instance answers by the old policy. */
async function applyPolicy({ database, barrier, config: { policy }, log }: Services): Promise<void> {
  const { replaced, xid } = await database.transaction(async (tx) => {
    await tx.extend(POLICY_MS)
    const replaced = await writePolicy(tx, policy)
    if (replaced)
      await recordOperationWithoutRevocations(tx, {
        kind: 'policy.change',
        ...SETTINGS,
        result: { ...policy, before: replaced },
      })
    return { replaced, xid: replaced && (await currentXid(tx)) }
  })
  if (!xid) return
  log.warn({ from: replaced, to: policy }, 'the session policy of all instances changed')
  await barrier.wait(xid)
}
