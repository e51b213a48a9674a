/** Gets the database ready before anybody is served: it answers, has this version's shape, and holds the policy. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { FastifyBaseLogger } from 'fastify'
import { createBarrier } from './propagation/barrier.ts'
import type { SessionPolicy } from './sessions/policy.ts'
import { mayComeYet } from './storage/connection.ts'
import { type Database, type Executor, openDatabase } from './storage/database.ts'
import { rootCause } from './storage/failures.ts'
import { barrierStore } from './storage/instances.ts'
import { migrate } from './storage/migrate.ts'
import { recordAct } from './storage/operations.ts'
import { writePolicy } from './storage/policy.ts'
import { demandOwnProcesses } from './storage/pooler.ts'
import { currentXid } from './storage/sessions.ts'
import { demandAllRows } from './storage/visibility.ts'

/** How long a start waits for a database that is not there yet. */
const DATABASE_PATIENCE_MS = 30_000
/** A changed policy first deletes what is over under the old one, which may be much. */
const POLICY_MS = 10 * 60_000

/** Who changes the policy, for the record. */
const SETTINGS = { actorKind: 'system', actorId: 'settings' } as const

/** @param seed adds what the demo needs. */
export async function prepare(
  url: string,
  policy: SessionPolicy,
  log: FastifyBaseLogger,
  seed: (db: Executor) => Promise<unknown> = async () => {},
): Promise<void> {
  const restored = () => log.warn('the database was restored from another server: its record goes on here')
  await patiently(log, () => demandOwnProcesses(url))
  const applied = await patiently(log, () => migrate(url, restored))
  if (applied > 0) log.info({ applied }, 'migrations applied')
  const database = openDatabase(url, { max: 2 })
  try {
    await database.run(demandAllRows)
    await applyPolicy(database, policy, log)
    await database.run(seed)
  } finally {
    await database.close()
  }
}

/** Runs `work` until the database is there, or patience ends. */
async function patiently<T>(log: FastifyBaseLogger, work: () => Promise<T>): Promise<T> {
  for (const deadline = Date.now() + DATABASE_PATIENCE_MS; ; await sleep(1_000)) {
    try {
      return await work()
    } catch (error) {
      const cause = rootCause(error)
      if (!mayComeYet(cause) || Date.now() > deadline) throw error
      const { message, code } = cause as NodeJS.ErrnoException
      log.warn({ reason: message || code }, 'waiting for the database')
    }
  }
}

/** Writes the policy and, where that changed it, waits until no instance answers by the old one. */
async function applyPolicy(database: Database, policy: SessionPolicy, log: FastifyBaseLogger): Promise<void> {
  const { replaced, xid } = await database.transaction(async (tx) => {
    await tx.extend(POLICY_MS)
    const replaced = await writePolicy(tx, policy)
    if (replaced)
      await recordAct(tx, { kind: 'policy.change', ...SETTINGS, result: { ...policy, before: replaced } })
    return { replaced, xid: replaced && (await currentXid(tx)) }
  })
  if (!xid) return
  log.warn({ from: replaced, to: policy }, 'the session policy of all instances changed')
  await createBarrier(barrierStore(database.run)).passed(xid)
}
