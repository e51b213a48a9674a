/**
 * How things stand, in a few figures over time. Counting reads every active session, which takes a second for a million
 * of them: it happens when somebody looks, once at a time in a process, and takes no more than a twentieth of its time,
 * however many people look. Nobody waits longer than a moment for it.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { type Database, withoutDeadline } from '../../database/database.ts'
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

/** In milliseconds: how long figures are good at least, how long counting may take, and how long anybody waits for it. */
const FRESH_MS = 30_000
const COUNT_MS = 20_000
const WAIT_MS = 1_000
/** Counting may take one part in so many of a process's time. */
const SHARE = 20
const MAX_LISTED = 8

export type Overview = ReturnType<typeof createOverview>

export function createOverview(
  { run, transaction }: Pick<Database, 'run' | 'transaction'>,
  clock: () => number = () => performance.now(),
) {
  const counted = new Map<RangeName, { figures: Figures; goodUntil: number }>()
  const counting = new Map<RangeName, Promise<Figures>>()

  async function count(name: RangeName): Promise<Figures> {
    const began = clock()
    const figures = await withoutDeadline(() =>
      transaction(async (tx) => {
        await tx.extend(COUNT_MS)
        return countFigures(tx, RANGES[name])
      }),
    )
    const goodUntil = clock() + Math.max(FRESH_MS, SHARE * (clock() - began))
    counted.set(name, { figures, goodUntil })
    return figures
  }

  return {
    /**
     * The figures, some tens of seconds old at most; null while they are being counted.
     * @throws Problem `unavailable` when they could not be.
     */
    async figures(name: RangeName): Promise<Figures | null> {
      const known = counted.get(name)
      if (known && clock() < known.goodUntil) return known.figures
      let under = counting.get(name)
      if (!under) {
        under = count(name).finally(() => counting.delete(name))
        // Whoever asked may have stopped waiting.
        under.catch(() => {})
        counting.set(name, under)
      }
      return Promise.race([under, sleep(WAIT_MS, null, { ref: false })])
    },

    /** What was done lately, and whose revoked tokens came again, with the names of all concerned. */
    recent: () =>
      run(async (db) => {
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
