/**
 * Batches calls: those that arrive together share one load. A load that answers a call always began after that call
 * arrived. There is no timer: while a load is free, a call starts it at once, or at the end of its turn of the event loop (`schedule`).
 * A failed load fails its own calls only. A call is refused when it waits too long, or when too many are waiting.
 */
import { runDetached } from './run-detached.ts'

export interface Limits {
  /** Most loads in flight. */
  inFlight: number
  /** With this many calls in flight no further load begins: one large load costs less than two. */
  busyAt: number
  /** Most calls in one load. */
  size: number
  /** Most waiting calls; a further one is refused. */
  waiting: number
  /** Longest wait for a load to begin, in milliseconds; a call that has waited longer is refused. */
  waitMs: number
  /** Runs the start of loads: at once, or as `setImmediate` after all calls that the event loop reads in the same turn. */
  schedule?: (start: () => void) => unknown
  /** Creates the error of a refused call. */
  refusal: (cause: Error) => Error
}

/** A load that takes longer than this, in milliseconds, may hang: `busyAt` no longer holds back other loads. */
const STALL_MS = 100

interface Call<In, Out> {
  item: In
  /** Milliseconds on the monotonic clock. */
  arrived: number
  answer: (out: Out) => void
  fail: (error: unknown) => void
}

/** @param load takes the items of a batch. It resolves with their answers, by position. */
export function batch<In, Out>(
  load: (items: In[]) => Promise<Out[]>,
  limits: Limits,
): (item: In) => Promise<Out> {
  const waiting: Call<In, Out>[] = []
  let loads = 0
  let callsInFlight = 0
  /** When the last load began, in milliseconds on the monotonic clock. */
  let startedAt = 0
  let isScheduled = false
  const { schedule = (start) => start() } = limits

  function scheduleLoads(): void {
    if (isScheduled) return
    isScheduled = true
    schedule(startLoads)
  }

  function startLoads(): void {
    isScheduled = false
    refuseLateCalls()
    const mayStart = () => callsInFlight < limits.busyAt || performance.now() - startedAt > STALL_MS
    while (waiting.length > 0 && loads < limits.inFlight && mayStart())
      void runLoad(waiting.splice(0, limits.size))
  }

  function refuseLateCalls(): void {
    const oldest = performance.now() - limits.waitMs
    while (waiting[0] && waiting[0].arrived < oldest)
      waiting.shift()?.fail(limits.refusal(new Error('waited too long')))
  }

  async function runLoad(calls: Call<In, Out>[]): Promise<void> {
    loads++
    callsInFlight += calls.length
    startedAt = performance.now()
    try {
      const outs = await runDetached(() => load(calls.map(({ item }) => item)))
      for (const [i, call] of calls.entries()) call.answer(outs[i] as Out)
    } catch (error) {
      for (const call of calls) call.fail(error)
    } finally {
      loads--
      callsInFlight -= calls.length
      if (waiting.length > 0) scheduleLoads()
    }
  }

  return (item) =>
    new Promise((answer, fail) => {
      if (waiting.length >= limits.waiting)
        return fail(limits.refusal(new Error(`${waiting.length} calls are waiting`)))
      waiting.push({ item, answer, fail, arrived: performance.now() })
      scheduleLoads()
    })
}
