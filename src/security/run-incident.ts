/**
 * Carries an incident out. The promise: when it is `done`, every session that matched when its execution began is over at
 * every instance, and the report adds up, however often a process died on the way. A session counts as there when the
 * transaction of its sign-in had begun before the execution; sign-ins that begin later are new ones, and live.
 *
 * In small transactions that wait for nobody: rows that others hold are skipped, and looked up again in another pass.
 * One connection holds the lock of the incident and does all the work, so that whoever loses it has lost the work, too.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Barrier } from '../propagation/barrier.ts'
import { type Database, inTransaction, type Transaction } from '../storage/database.ts'
import {
  closePass,
  endSessions,
  finishIncident,
  nextSessions,
  type OpenTransaction,
  openPass,
  openTransactions,
  type Running,
  readOutcome,
  readRunning,
  takeIncident,
} from '../storage/incident-steps.ts'
import { recordOperation } from '../storage/operations.ts'
import { currentXid } from '../storage/sessions.ts'
import { shownSelection } from './selection.ts'

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

/**
 * Carries an incident out to its end, unless somebody else is at it.
 * @returns whether there is nothing left to do: false when another connection is at it, when told to stop, or when it got
 * nowhere for a while. Whoever comes next goes on.
 */
export function runIncident(
  { alone }: Pick<Database, 'alone'>,
  barrier: Pick<Barrier, 'passed'>,
  id: string,
  { onProgress = () => {}, signal, batch = BATCH, patience = PATIENCE }: RunOptions = {},
): Promise<boolean> {
  return alone(async (db) => {
    if (!(await takeIncident(db, id))) return false
    // Of 200,000 users the list alone takes its time.
    const running = await inTransaction(db, async (tx) => {
      await tx.extend(BATCH_MS)
      return readRunning(tx, id)
    })
    if (!running) return true
    onProgress({ planned: running.planned, ended: running.ended })
    const before = await openTransactions(db)
    const endAll = () => passes(db, running, { onProgress, signal, batch, patience })
    if (!(await endAll())) return false
    const left = await outlast(db, before, signal)
    if (!left || !(await endAll())) return false
    const xid = await inTransaction(db, currentXid)
    const waitedMs = (await barrier.passed(xid)) ?? 0
    await inTransaction(db, (tx) => finish(tx, running, waitedMs, left))
    return true
  })
}

/**
 * Ends sessions until a pass meets none that somebody else holds. @returns false when told to stop, and when it got nowhere.
 */
async function passes(
  db: Transaction,
  running: Running,
  { onProgress, signal, batch, patience }: Required<Omit<RunOptions, 'signal'>> & Pick<RunOptions, 'signal'>,
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
    await sleep(pause, undefined, { signal }).catch(() => {})
  }
}

/** Waits for transactions to be over. @returns those that are not in the end; null when told to stop. */
async function outlast(
  db: Transaction,
  before: OpenTransaction[],
  signal: AbortSignal | undefined,
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

async function finish(
  tx: Transaction,
  running: Running,
  waitedMs: number,
  left: OpenTransaction[],
): Promise<void> {
  await tx.extend(PASS_MS)
  const writing = left.filter((each) => each.writing).length
  const outcome = {
    ...(await readOutcome(tx, running)),
    waitedMs,
    stillOpen: { writing, reading: left.length - writing },
  }
  await finishIncident(tx, running.id, outcome)
  await recordOperation(tx, crypto.randomUUID(), outcome.endedPlanned + outcome.endedLater, {
    kind: 'incident.finish',
    actorKind: 'system',
    reason: running.reason,
    selection: shownSelection(running.selection),
    result: { planId: running.id, operationId: running.operationId, ...outcome },
  })
}
