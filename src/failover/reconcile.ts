/**
 * Compares what was acknowledged with what a server has, and carries out again what it lacks. It returns only when nothing is missing,
 * or throws: then it is to be repeated. Everything that was lost is an error in the log, and counted.
 */
import { inArray } from 'drizzle-orm'
import type { Database, Executor } from '../database/database.ts'
import { createBarrier } from '../leases/barrier.ts'
import { barrierStore } from '../leases/queries.ts'
import type { Log } from '../lib/log.ts'
import type { Acknowledged, AcknowledgedActs } from '../operations/acknowledged.ts'
import { operation } from '../operations/schema.ts'
import { hasHead, readChainHead } from '../staff/audit/chain.ts'
import { carryOut } from '../staff/incidents/runner.ts'
import { isForEveryone, type Selection } from '../staff/incidents/selector-values.ts'
import { type Redone, redo, redoKeyRevocation, redoneId, restartIncident } from './redo.ts'

/** Operations that one query looks for. */
const BATCH = 5_000

interface LostCounts {
  /** Operations that a server lacked, and that this process carried out again. */
  readonly lost: number
  /** Operations that are missing now. */
  readonly missing: number
  /** Heads of the audit chain that a server lacked. */
  readonly heads: number
}

export type Reconciler = ReturnType<typeof createReconciler>

/** @param onRedone called with each transaction that ended sessions again: instances are to be waited for. */
export function createReconciler(
  acknowledged: Pick<AcknowledgedActs, 'read' | 'noteHead'>,
  log: Log,
  onRedone: (redone: Redone) => void,
) {
  const counts = { lost: 0, missing: 0, heads: 0 }
  /** What was logged, so that it is logged once. */
  const reported = new Set<string>()

  function report(id: string, fields: object, message: string): boolean {
    if (reported.has(id)) return false
    reported.add(id)
    log.error(fields, message)
    return true
  }

  async function compareHeads(database: Pick<Database, 'run'>, heads: string[], server: string) {
    for (const head of heads) {
      if (await database.run((db) => hasHead(db, head))) continue
      const message =
        'the audit chain of the database lacks a head that this service had seen: entries are lost'
      if (report(head, { head, server }, message)) counts.heads++
      acknowledged.noteHead(await readChainHead(database))
    }
  }

  async function redoOne(database: Database, act: Acknowledged, all: Acknowledged[], signal: AbortSignal) {
    const { kind, userId } = act.what
    if (kind === 'key.revoke') {
      const revoked = await redoKeyRevocation(database, act)
      return revoked && { ...revoked, ended: null }
    }
    if (act.plan) {
      const restarted = await restartIncident(database, act, act.plan)
      const barrier = createBarrier(barrierStore(database.run))
      // One for everyone has ended all sessions when it started; their rows follow.
      const waits = !isForEveryone(act.plan.selection as Selection)
      if (waits && !(await carryOut(database, barrier, act.plan.id, { signal })))
        throw new Error('stopped before the incident was done')
      return restarted && { ...restarted, ended: null }
    }
    // An unlock after this operation stays: staff have decided anew.
    const unlocked = ({ what, at }: Acknowledged) =>
      what.kind === 'user.unlock' && what.userId === userId && at > act.at
    const locked = kind === 'user.revoke' && 'lockedUntil' in (act.what.result ?? {})
    const redone = await redo(database, act, locked && !all.some(unlocked))
    if (redone) onRedone(redone)
    return redone
  }

  return {
    counts: counts satisfies LostCounts,

    /**
     * @param server its name, for the log. @param signal gives up.
     * @throws when something is missing still.
     */
    async reconcile(database: Database, server: string, signal: AbortSignal): Promise<void> {
      const { acts, heads, done } = await acknowledged.read()
      await compareHeads(database, heads, server)
      const missing = await missingFrom(database, acts)
      counts.missing = missing.length
      for (const act of missing) {
        signal.throwIfAborted()
        const fields = { operationId: act.id, kind: act.what.kind, at: act.at, server }
        if (act.what.kind === 'user.unlock')
          report(act.id, fields, 'the database lost an acknowledged operation: unlock the user again')
        else {
          const redone = await redoOne(database, act, acts, signal)
          if (redone) {
            counts.lost++
            const { operationId: redoneAs, ended } = redone
            log.error(
              { ...fields, redoneAs, ended },
              'the database lost an acknowledged operation: carried out again',
            )
            // The record does not say whom: that is what an erasure is for.
            if (act.what.kind === 'user.erase')
              log.error(fields, 'the database lost an acknowledged erasure: erase the user again')
          }
        }
        counts.missing--
      }
      done()
    },
  }
}

/** The operations that the database lacks, and that no process has redone there. */
async function missingFrom({ run }: Pick<Database, 'run'>, acts: Acknowledged[]): Promise<Acknowledged[]> {
  const missing: Acknowledged[] = []
  for (let from = 0; from < acts.length; from += BATCH) {
    const some = acts.slice(from, from + BATCH)
    const known = await run((db) =>
      knownOperations(
        db,
        some.flatMap(({ id }) => [id, redoneId(id)]),
      ),
    )
    missing.push(...some.filter(({ id }) => !known.has(id) && !known.has(redoneId(id))))
  }
  return missing
}

async function knownOperations(db: Executor, ids: string[]): Promise<Set<string>> {
  const rows = await db.select({ id: operation.id }).from(operation).where(inArray(operation.id, ids))
  return new Set(rows.map(({ id }) => id))
}
