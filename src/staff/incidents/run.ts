/**
 * Executes an incident. When its state is `done`, no instance accepts a session that matched when the execution began, and the
 * report adds up, even after crashes. A session is included if the transaction of its sign-in began before the execution.
 * Later sign-ins are not affected. An incident for everyone has ended all sessions with the commit that started it; here their
 * rows follow.
 *
 * Works in short transactions that never wait for a lock: locked rows are skipped and retried in another pass. A lease keeps
 * other runners away. A runner that lost its lease stops at its next renewal; its work until then stays correct.
 */

import type { Database, Transaction } from '../../database/database.ts'
import { inTransaction } from '../../database/transaction.ts'
import type { Barrier } from '../../leases/barrier.ts'
import { sleep } from '../../lib/sleep.ts'
import { recordOperation } from '../../operations/record.ts'
import { currentXid } from '../../sessions/queries.ts'
import { claimIncident, RENEW_MS, releaseClaim, renewClaim } from './claims.ts'
import { lockUsers, nextToLock } from './locking.ts'
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

/** Sessions per transaction: about 50 ms, the longest wait for a logout of one of them. */
const BATCH = 1_000
/** Limits of a batch, and of a scan of the whole table or the final count. */
const BATCH_MS = 20_000
const PASS_MS = 10 * 60_000
/** Pauses between passes while a session is locked: doubled from the first to the last. */
const FIRST_PAUSE_MS = 250
const LAST_PAUSE_MS = 8_000
/** Passes without progress (half a minute) after which the incident is released, so that others get their turn. */
const PATIENCE = 8
/**
 * How long to wait for transactions from before the execution. One that has written may hold an uncommitted sign-in. One that
 * has not is almost always a report or a backup: a sign-in writes within milliseconds.
 */
const WRITING_MS = 3 * 60_000
const READING_MS = 10_000
const POLL_MS = 250

interface IncidentProgress {
  planned: number
  ended: number
}

export interface RunOptions {
  onProgress?: (progress: IncidentProgress) => void
  /** Stops after the current batch; the next runner continues. */
  signal?: AbortSignal | undefined
  /** For tests. */
  batch?: number
  patience?: number
}

type RunContext = Required<Omit<RunOptions, 'signal'>> & { signal: AbortSignal }

/**
 * Executes an incident to its end, unless another runner holds it.
 * @returns true when it is done; false when another runner holds it, on `signal`, or after too many passes without progress.
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
  const renewing = renew(() => run((db) => renewClaim(db, id, runner)), lost, over.signal)
  const options = { onProgress, signal: stop, batch, patience }
  try {
    return await withOwnConnection((db) => carry(db, barrier, id, options))
  } finally {
    over.abort()
    await renewing
    // Without it the next runner waits for the end of the lease.
    await run((db) => releaseClaim(db, id, runner)).catch(() => {})
  }
}

/** Renews a lease until `over`; aborts `lost` when another runner has it. Retries while the database is unavailable. */
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
  // Reading a list of 200,000 users takes long.
  const running = await inTransaction(db, async (tx) => {
    await tx.extend(BATCH_MS)
    return readRunning(tx, id)
  })
  if (!running) return true
  options.onProgress({ planned: running.planned, ended: running.ended })
  // None can slip past a new epoch.
  const before = running.epoch === null ? await openTransactions(db) : []
  const endAll = () => endInPasses(db, running, options)
  if (running.locks && !(await lockInPasses(db, running, options))) return false
  if (!(await endAll())) return false
  const left = await waitForTransactions(db, before, options.signal)
  if (!left || !(await endAll())) return false
  const xid = await inTransaction(db, currentXid)
  const waitedMs = (await barrier.wait(xid)) ?? 0
  return inTransaction(db, (tx) => finish(tx, running, waitedMs, left))
}

/**
 * Ends sessions until a pass meets no locked row. @returns false on `signal`, and after too many passes without progress.
 */
async function endInPasses(
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

/** Locks the users whom the selection names, until a pass meets no held row. @returns as `endInPasses`. */
async function lockInPasses(
  db: Transaction,
  running: Running,
  { signal, batch, patience }: RunContext,
): Promise<boolean> {
  let idle = 0
  for (let pause = FIRST_PAUSE_MS; ; pause = Math.min(2 * pause, LAST_PAUSE_MS)) {
    let skipped = 0
    let took = 0
    for (let after: string | undefined = ''; after !== undefined; ) {
      if (signal.aborted) return false
      const from: string = after
      const { asked, locked } = await inTransaction(db, async (tx) => {
        await tx.extend(BATCH_MS)
        const asked = await nextToLock(tx, running, from, batch)
        return { asked, locked: (await lockUsers(tx, running, asked)).length }
      })
      skipped += asked.length - locked
      took += locked
      after = asked.at(-1)
    }
    if (skipped === 0) return true
    idle = took > 0 ? 0 : idle + 1
    if (idle >= patience) return false
    await sleep(pause, signal)
  }
}

/** Waits for transactions to end. @returns those still open at the limit; null on `signal`. */
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
    await sleep(POLL_MS)
  }
  return null
}

/** @returns false when another runner has ended more sessions meanwhile, or has finished the incident. */
async function finish(
  tx: Transaction,
  running: Running,
  waitedMs: number,
  left: OpenTransaction[],
): Promise<boolean> {
  await tx.extend(PASS_MS)
  const writing = left.filter((each) => each.writing).length
  const { ended, counts, counted, selection } = await readOutcome(tx, running)
  const outcome = { ...counts, waitedMs, stillOpen: { writing, reading: left.length - writing } }
  if (!(await finishIncident(tx, running, { counted, ended }, outcome))) return false
  await recordOperation(tx, crypto.randomUUID(), ended, {
    kind: 'incident.finish',
    actorKind: 'system',
    reason: running.reason,
    selection,
    result: { planId: running.id, operationId: running.operationId, ...outcome },
  })
  return true
}
