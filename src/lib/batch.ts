/**
 * Calls that arrive together share one load. A call is only ever answered by a load that began after the call arrived.
 * No call waits for a timer: with a load free, the first call starts it at once and alone. A load that fails fails its own
 * calls. A call that waits too long, or finds too many waiting, is refused.
 */
import { runDetached } from './run-detached.ts'

export interface Limits {
  /** Loads under way at once, as long as they are small. */
  inFlight: number
  /** With so many calls under way no further load begins beside them: one large load costs less than two. */
  busyAt: number
  /** Calls that one load takes at most. */
  size: number
  /** Calls that wait at most; beyond them a call is refused. */
  waiting: number
  /** Longest wait for a load to begin, in milliseconds; a call that waited longer is refused. */
  waitMs: number
  /** Makes the error of a refused call from its cause. */
  refusal: (cause: Error) => Error
}

/** A load that takes longer than this, in milliseconds, may hang: other calls no longer wait for it. */
const STALL_MS = 100

interface Call<In, Out> {
  item: In
  /** On the monotonic clock, in milliseconds. */
  arrived: number
  answer: (out: Out) => void
  fail: (error: unknown) => void
}

/** @param load gets the items of a batch and returns their answers, by position. */
export function batch<In, Out>(
  load: (items: In[]) => Promise<Out[]>,
  limits: Limits,
): (item: In) => Promise<Out> {
  const waiting: Call<In, Out>[] = []
  let loads = 0
  let underWay = 0
  /** When the last load began. */
  let begun = 0

  function startLoads(): void {
    refuseTheLate()
    const mayBegin = () => underWay < limits.busyAt || performance.now() - begun > STALL_MS
    while (waiting.length > 0 && loads < limits.inFlight && mayBegin())
      void answerAll(waiting.splice(0, limits.size))
  }

  function refuseTheLate(): void {
    const oldest = performance.now() - limits.waitMs
    while (waiting[0] && waiting[0].arrived < oldest)
      waiting.shift()?.fail(limits.refusal(new Error('waited too long')))
  }

  async function answerAll(calls: Call<In, Out>[]): Promise<void> {
    loads++
    underWay += calls.length
    begun = performance.now()
    try {
      const outs = await runDetached(() => load(calls.map(({ item }) => item)))
      for (const [i, call] of calls.entries()) call.answer(outs[i] as Out)
    } catch (error) {
      for (const call of calls) call.fail(error)
    } finally {
      loads--
      underWay -= calls.length
      startLoads()
    }
  }

  return (item) =>
    new Promise((answer, fail) => {
      if (waiting.length >= limits.waiting)
        return fail(limits.refusal(new Error(`${waiting.length} calls wait already`)))
      waiting.push({ item, answer, fail, arrived: performance.now() })
      startLoads()
    })
}
