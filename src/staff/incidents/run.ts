/**
 * Carries an incident out. The promise: when it is `done`, every session that matched when its execution began is over at
 * every instance, and the report adds up, however often a process died on the way. A session counts as there when the
 * transaction of its sign-in had begun before the execution; sign-ins that begin later are new ones, and live.
 *
 * In small transactions that wait for nobody: rows that others hold are skipped, and looked up again in another pass.
 * A lease keeps other runners away. One that lost its lease stops at its next renewal, and does no harm until then.
 */

import { type Database, inTransaction, type Transaction } from '../../database/database.ts'
import type { Barrier } from '../../leases/barrier.ts'
import { sleep } from '../../lib/sleep.ts'
import { recordOperation } from '../../operations/record.ts'
import { currentXid } from '../../sessions/queries.ts'
import { claimIncident, RENEW_MS, releaseClaim, renewClaim } from './claims.ts'
import { shownSelection } from './selection.ts'
import {
  closePass,
  endSessions,
  finishIncident,
  nameConnection,
  nextSessions,
  type OpenTransaction,
  openPass,
  openTransactions,
  type Running,
  readOutcome,
  readRunning,
} from './steps.ts'

/** Sessions ended in one transaction: some 50 ms, for which a logout of one of them waits at most. */
const BATCH = 1_000
/** Longest time for a batch; for looking up what is left among many millions, and for counting it all at the end. */
const BATCH_MS = 20_000
const PASS_MS = 10 * 60_000
/** Pauses between passes while somebody holds on to a session: doubled from the first to the last. */
const FIRST_PAUSE_MS = 250
const LAST_PAUSE_MS = 8_000
/** After so many passes that ended nothing, half a minute, the incident is handed back: others may have their turn. */
const PATIENCE = 8
/**
 * How long transactions from before the execution are waited for: those that have written may hold a sign-in that nobody
 * sees yet; those that have not are reports and backups, all but a few milliseconds of a sign-in's life.
 */
const WRITING_MS = 3 * 60_000
const READING_MS = 10_000
const LOOK_MS = 250

export interface IncidentProgress {
  planned: number
  ended: number
}

export interface RunOptions {
  onProgress?: (progress: IncidentProgress) => void
  /** Stops after the batch under way; whoever comes next goes on. */
  signal?: AbortSignal | undefined
  /** For tests. */
  batch?: number
  patience?: number
}

type RunContext = Required<Omit<RunOptions, 'signal'>> & { signal: AbortSignal }

/**
 * Carries an incident out to its end, unless another runner is at it.
 * @returns whether there is nothing left to do: false when another runner is at it, when told to stop, or when it got
 * nowhere for a while. The next runner goes on.
 */
export async function runIncident(
  { withOwnConnection, run }: Pick<Database, 'withOwnConnection' | 'run'>,
  barrier: Pick<Barrier, 'wait'>,
  id: string,
  { onProgress = () => {}, signal, batch = BATCH, patience = PATIENCE }: RunOptions = {},
): Promise<boolean> {
  const runner = crypto.randomUUID()
  if (!(await run((db) => claimIncident(db, id, runner)))) return false
  const lost = new AbortController()
  const over = new AbortController()
  const stop = AbortSignal.any(signal ? [signal, lost.signal] : [lost.signal])
  const keeping = renew(() => run((db) => renewClaim(db, id, runner)), lost, over.signal)
  const options = { onProgress, signal: stop, batch, patience }
  try {
    return await withOwnConnection((db) => carry(db, barrier, id, options))
  } finally {
    over.abort()
    await keeping
    // Without it the next runner waits for the end of the lease.
    await run((db) => releaseClaim(db, id, runner)).catch(() => {})
  }
}

/** Renews a lease until `over`; aborts `lost` when another runner has taken it. A database that is away is asked again. */
async function renew(keep: () => Promise<boolean>, lost: AbortController, over: AbortSignal): Promise<void> {
  for (await sleep(RENEW_MS, over); !over.aborted; await sleep(RENEW_MS, over)) {
    if (await keep().catch(() => true)) continue
    return lost.abort()
  }
}

async function carry(
  db: Transaction,
  barrier: Pick<Barrier, 'wait'>,
  id: string,
  options: RunContext,
): Promise<boolean> {
  await nameConnection(db)
  // Of 200,000 users the list alone takes its time.
  const running = await inTransaction(db, async (tx) => {
    await tx.extend(BATCH_MS)
    return readRunning(tx, id)
  })
  if (!running) return true
  options.onProgress({ planned: running.planned, ended: running.ended })
  const before = await openTransactions(db)
  const endAll = () => passes(db, running, options)
  if (!(await endAll())) return false
  const left = await waitForTransactions(db, before, options.signal)
  if (!left || !(await endAll())) return false
  const xid = await inTransaction(db, currentXid)
  const waitedMs = (await barrier.wait(xid)) ?? 0
  return inTransaction(db, (tx) => finish(tx, running, waitedMs, left))
}

/**
 * Ends sessions until a pass meets none that somebody else holds. @returns false when told to stop, and when it got nowhere.
 */
async function passes(
  db: Transaction,
  running: Running,
  { onProgress, signal, batch, patience }: RunContext,
): Promise<boolean> {
  let idle = 0
  for (let pause = FIRST_PAUSE_MS; ; pause = Math.min(2 * pause, LAST_PAUSE_MS)) {
    let skipped = 0
    let took = 0
    await inTransaction(db, async (tx) => {
      await tx.extend(PASS_MS)
      await openPass(tx, running)
    })
    for (;;) {
      const ids = await nextSessions(db, batch)
      if (ids.length === 0) break
      if (signal?.aborted) return false
      const { deleted, ended } = await inTransaction(db, async (tx) => {
        await tx.extend(BATCH_MS)
        return endSessions(tx, running, ids)
      })
      skipped += ids.length - deleted
      took += deleted
      onProgress({ planned: running.planned, ended })
    }
    await closePass(db)
    if (signal?.aborted) return false
    if (skipped === 0) return true
    idle = took > 0 ? 0 : idle + 1
    if (idle >= patience) return false
    await sleep(pause, signal)
  }
}

/** Waits for transactions to be over. @returns those that are not in the end; null when told to stop. */
async function waitForTransactions(
  db: Transaction,
  before: OpenTransaction[],
  signal: AbortSignal,
): Promise<OpenTransaction[] | null> {
  const began = performance.now()
  while (!signal?.aborted) {
    const now = await inTransaction(db, async (tx) => {
      await tx.extend(BATCH_MS)
      return openTransactions(tx)
    })
    const left = now.filter(({ id }) => before.some((each) => each.id === id))
    const patience = left.some(({ writing }) => writing) ? WRITING_MS : READING_MS
    if (left.length === 0 || performance.now() - began > patience) return left
    await sleep(LOOK_MS)
  }
  return null
}

/** @returns false when another runner added to it meanwhile, or has finished it. */
async function finish(
  tx: Transaction,
  running: Running,
  waitedMs: number,
  left: OpenTransaction[],
): Promise<boolean> {
  await tx.extend(PASS_MS)
  const writing = left.filter((each) => each.writing).length
  const { counts, counted } = await readOutcome(tx, running)
  const outcome = { ...counts, waitedMs, stillOpen: { writing, reading: left.length - writing } }
  if (!(await finishIncident(tx, running.id, counted, outcome))) return false
  await recordOperation(tx, crypto.randomUUID(), outcome.endedPlanned + outcome.endedLater, {
    kind: 'incident.finish',
    actorKind: 'system',
    reason: running.reason,
    selection: shownSelection(running.selection),
    result: { planId: running.id, operationId: running.operationId, ...outcome },
  })
  return true
}
