/**
 * The operations that this process answered as done, for ten minutes. A server that takes over may lack the last ones: an
 * asynchronous failover loses commits, and so does a restored backup. `src/failover/` compares, and carries out again what is missing.
 *
 * They are kept in memory, at most 64 MiB as text, which is some 150,000 sign-outs. Beyond that the oldest are dropped, with an error
 * in the log. With JOURNAL_FOLDER they are also written to files, which outlive the process (`journal.ts`).
 */
import type { Log } from '../lib/log.ts'
import type { Journal } from './journal.ts'
import { type NewOperation, operationOfRow } from './record.ts'

/** How long an operation is kept, in milliseconds. */
const KEPT_MS = 10 * 60_000
const MAX_BYTES = 64 * 1024 * 1024
/** Least milliseconds between two log lines about dropped operations. */
const LOG_MS = 60_000

/**
 * What an operation did, so that it can be done again. A session keeps its id on every copy of the database, and needs no token; but
 * where a take-over is lost as well, the token is taken over again, and gets another id.
 */
export interface Act {
  /** Of the operation. */
  id: string
  /** Its record. */
  what: NewOperation
  /** The sessions that it ended. */
  sessionIds: readonly string[]
  /** The hashed tokens of those of the sessions that were taken over from another store. */
  takenOver?: readonly string[]
  /** Of the execution of an incident: its plan, which a server may have lost as well. */
  plan?: KeptPlan
}

export interface KeptPlan extends Pick<NewOperation, 'actorKind' | 'actorId'> {
  id: string
  reason: string
  /** With its whole lists. */
  selection: object
  /** As `IncidentLock`; absent in a journal of an older version. */
  lock?: { seconds: number | null } | null
}

/** Acts as `log_in()` and `log_out()` return them. */
export function actsOf(json: string): Act[] {
  const acts = JSON.parse(json) as (Omit<Act, 'what'> & { what: Record<string, unknown> })[]
  return acts.map(({ what, ...act }) => ({ ...act, what: operationOfRow(what) }))
}

/** An act that was answered as done. */
export interface Acknowledged extends Act {
  /** When, by the clock of this machine. */
  at: string
}

interface Kept {
  /** On the monotonic clock. */
  at: number
  /** An `Acknowledged` as JSON: smaller than the object, and as the journal has it. */
  line: string
}

export type AcknowledgedActs = ReturnType<typeof createAcknowledged>

export interface AcknowledgedOptions {
  /** For tests. */
  maxBytes?: number
  clock?: () => number
}

export function createAcknowledged(
  journal: Journal | null,
  log: Log,
  { maxBytes = MAX_BYTES, clock = () => performance.now() }: AcknowledgedOptions = {},
) {
  /** A queue: what lies before `first` is forgotten. It is cut off when it is half of the array, so that each act is moved once. */
  let queue: Kept[] = []
  let first = 0
  let bytes = 0
  let dropped = 0
  let loggedAt = Number.NEGATIVE_INFINITY
  let head: string | null = null

  /** Forgets the oldest while `isOver`. @returns how many. */
  function forgetWhile(isOver: (oldest: Kept) => boolean): number {
    let count = 0
    for (let oldest = queue[first]; oldest && isOver(oldest); oldest = queue[++first]) {
      bytes -= oldest.line.length
      oldest.line = ''
      count++
    }
    if (2 * first > queue.length) {
      queue = queue.slice(first)
      first = 0
    }
    return count
  }

  function forgetOld(): void {
    const now = clock()
    forgetWhile(({ at }) => now - at >= KEPT_MS)
  }

  function dropBeyondLimit(): void {
    const count = forgetWhile(() => bytes > maxBytes)
    if (count === 0) return
    dropped += count
    if (clock() - loggedAt < LOG_MS) return
    loggedAt = clock()
    log.error(
      { dropped, maxBytes },
      'too many operations to keep: after a failover the oldest would not be carried out again',
    )
  }

  return {
    /**
     * Keeps acts that are committed. Call it before they are answered, and in the same turn of the event loop as the commit.
     * @returns when they are in the journal, if there is one. Never rejects: the acts are done.
     */
    async keep(acts: readonly Act[]): Promise<void> {
      if (acts.length === 0) return
      const at = new Date().toISOString()
      const lines = acts.map((act) => JSON.stringify({ at, ...act } satisfies Acknowledged))
      forgetOld()
      for (const line of lines) {
        queue.push({ at: clock(), line })
        bytes += line.length
      }
      dropBeyondLimit()
      await journal?.append(lines)
    },

    /** The audit chain reached this head, `seq:hash`. */
    noteHead(seen: string): void {
      if (seen === head) return
      head = seen
      void journal?.append([JSON.stringify({ head })])
    },

    /**
     * What was acknowledged by this process, and by those whose journals are in the folder: in this order, each once. `done` is to be
     * called once the database has all of it.
     */
    async read(): Promise<{ acts: Acknowledged[]; heads: string[]; done(): void }> {
      forgetOld()
      const { lines, heads, done } = (await journal?.readOthers()) ?? { lines: [], heads: [], done: () => {} }
      const acts = new Map<string, Acknowledged>()
      for (const line of [...lines, ...queue.slice(first).map((each) => each.line)]) {
        const act = JSON.parse(line) as Acknowledged
        acts.set(act.id, act)
      }
      return {
        acts: [...acts.values()].sort((a, b) => (a.at < b.at ? -1 : 1)),
        heads: [...new Set([...heads, ...(head ? [head] : [])])],
        done,
      }
    },

    counts: {
      /** Operations in memory. */
      get kept() {
        return queue.length - first
      },
      /** Operations that were dropped because of the limit. */
      get dropped() {
        return dropped
      },
    },
    close: async () => journal?.close(),
  }
}
