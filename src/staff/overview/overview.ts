/**
 * The overview's figures over time. Counting reads every active session, a second per million. Therefore it runs on demand,
 * once at a time in a process, for at most a twentieth of the time. A request waits for it one second at most.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { asOf, noteAsOf, withAsOf } from '../../database/as-of.ts'
import { type Database, withoutDeadline } from '../../database/database.ts'
import type { Reads } from '../../database/reads.ts'
import { OVERVIEW_KINDS } from '../../operations/kinds.ts'
import { displayNames } from '../display-names.ts'
import { findRole } from '../roles.ts'
import {
  countFigures,
  type Figures,
  listRecentOperations,
  listRecentReplays,
  type TimeRange,
} from './queries.ts'

const HOUR = 3_600
export const RANGES = {
  day: { stepSeconds: HOUR, steps: 24 },
  week: { stepSeconds: 6 * HOUR, steps: 28 },
} satisfies Record<string, TimeRange>
export type RangeName = keyof typeof RANGES

/** In milliseconds: minimum age before a recount, limit of a count, and how long a request waits for it. */
const FRESH_MS = 30_000
const COUNT_MS = 20_000
const WAIT_MS = 1_000
/** Counting takes at most this fraction (one part in …) of the time. */
const SHARE = 20
const MAX_LISTED = 8

/** Figures, and up to when their data is complete; null: all of it. */
interface Counted {
  figures: Figures
  at: Date | null
}

export type Overview = ReturnType<typeof createOverview>

/** @param reads where figures and recent acts are read; roles come from the primary. */
export function createOverview(
  { run, transaction }: Pick<Database, 'run' | 'transaction'>,
  reads: Reads = { run, transaction },
  clock: () => number = () => performance.now(),
) {
  const counted = new Map<RangeName, Counted & { goodUntil: number }>()
  const counting = new Map<RangeName, Promise<Counted>>()

  async function count(name: RangeName): Promise<Counted> {
    const began = clock()
    const done = await withAsOf(async () => {
      const figures = await withoutDeadline(() =>
        reads.transaction(async (tx) => {
          await tx.extend(COUNT_MS)
          return countFigures(tx, RANGES[name])
        }),
      )
      return { figures, at: asOf() }
    })
    const goodUntil = clock() + Math.max(FRESH_MS, SHARE * (clock() - began))
    counted.set(name, { ...done, goodUntil })
    return done
  }

  function tell({ figures, at }: Counted): Figures {
    noteAsOf(at)
    return figures
  }

  return {
    /**
     * The figures, usually less than a minute old; null while they are being counted.
     * @throws Problem `unavailable` when counting failed.
     */
    async figures(name: RangeName): Promise<Figures | null> {
      const known = counted.get(name)
      if (known && clock() < known.goodUntil) return tell(known)
      let pending = counting.get(name)
      if (!pending) {
        pending = count(name).finally(() => counting.delete(name))
        // The request may have stopped waiting: its rejection must not crash the process.
        pending.catch(() => {})
        counting.set(name, pending)
      }
      const done = await Promise.race([pending, sleep(WAIT_MS, null, { ref: false })])
      return done && tell(done)
    },

    /** Recent operations of staff and services, and users whose revoked tokens were reused, with names. */
    recent: () =>
      reads.run(async (db) => {
        const acts = await listRecentOperations(db, OVERVIEW_KINDS, MAX_LISTED)
        const replayed = await listRecentReplays(db, MAX_LISTED)
        const ids = [
          ...acts.flatMap(({ actorId, userId }) => [actorId, userId]),
          ...replayed.map(({ userId }) => userId),
        ]
        return { acts, replayed, names: await displayNames(db, ids) }
      }),

    /** The role of a user; null for all who are not staff. */
    roleOf: (userId: string) => run((db) => findRole(db, userId)),
  }
}
