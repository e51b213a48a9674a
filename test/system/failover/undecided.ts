/** How long an instance decided nothing: the periods in which it answered 503 or not at all. */
import type { Span } from '../prove/history.ts'

export interface Call extends Span {
  instance: number
  /** A 503, or no answer. */
  isUndecided: boolean
}

export interface Undecided {
  /** The longest period of any instance, and the sum of the instance with the largest, in milliseconds. */
  longest: number
  sum: number
}

/** Undecided calls that are at most this far apart belong to one period. */
const SAME_PERIOD_MS = 500

/** @param calls in the order of their answers. */
export function undecided(calls: readonly Call[]): Undecided {
  const open = new Map<number, Span>()
  const sums = new Map<number, number>()
  let longest = 0
  const finish = (instance: number, { begin, end }: Span) => {
    longest = Math.max(longest, end - begin)
    sums.set(instance, (sums.get(instance) ?? 0) + end - begin)
  }
  for (const { instance, begin, end, isUndecided } of calls) {
    if (!isUndecided || end === Number.POSITIVE_INFINITY) continue
    const period = open.get(instance)
    if (period && begin <= period.end + SAME_PERIOD_MS) {
      period.end = end
      period.begin = Math.min(period.begin, begin)
    } else {
      if (period) finish(instance, period)
      open.set(instance, { begin, end })
    }
  }
  for (const [instance, period] of open) finish(instance, period)
  return { longest, sum: Math.max(0, ...sums.values()) }
}
