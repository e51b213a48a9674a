/**
 * Batches calls. While a load is in flight, further calls wait and share the next, which begins when the load ends. Beside it another
 * begins, where several are allowed, only when a full load is waiting, or when the load has lasted `APART_MS`: a slow or hanging load
 * holds others up no longer. A load that answers a call always began after that call arrived. A failed load fails its own calls only. A
 * call is refused when it waits too long, or when too many are waiting.
 */
import { runDetached } from './run-detached.ts'
import { REAL_TIME, type Time } from './sleep.ts'

/**
 * In milliseconds: longer than most queries to a database nearby. Where it is farther away, loads begin this far apart, so that no call
 * waits longer for company. With five or eight milliseconds, checks cost the same within what could be measured.
 */
export const APART_MS = 2

export interface Limits {
  /** Most loads in flight. */
  inFlight: number
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

interface Call<In, Out> {
  item: In
  /** Milliseconds on the clock. */
  arrived: number
  answer: (out: Out) => void
  fail: (error: unknown) => void
}

/** @param load takes the items of a batch. It resolves with their answers, by position. */
export function batch<In, Out>(
  load: (items: In[]) => Promise<Out[]>,
  limits: Limits,
  { clock, sleep }: Time = REAL_TIME,
): (item: In) => Promise<Out> {
  const waiting: Call<In, Out>[] = []
  let loads = 0
  /** The load that began last, while it is in flight. */
  let latest: { since: number } | null = null
  let isScheduled = false
  let isSleeping = false
  const { schedule = (start) => start() } = limits

  function scheduleLoads(): void {
    if (isScheduled) return
    isScheduled = true
    schedule(startLoads)
  }

  function startLoads(): void {
    isScheduled = false
    refuseLateCalls()
    while (waiting.length > 0 && loads < limits.inFlight && mayStart())
      void runLoad(waiting.splice(0, limits.size))
    if (waiting.length > 0 && loads < limits.inFlight) void startLater()
  }

  /** Whether a load may begin beside those in flight. */
  const mayStart = () => !latest || waiting.length >= limits.size || clock() >= latest.since + APART_MS

  /** Starts loads when the latest one has lasted `APART_MS`, though no further call arrives. Sleeps at most once at a time. */
  async function startLater(): Promise<void> {
    if (isSleeping || !latest) return
    isSleeping = true
    await sleep(Math.ceil(latest.since + APART_MS - clock()))
    isSleeping = false
    scheduleLoads()
  }

  function refuseLateCalls(): void {
    const oldest = clock() - limits.waitMs
    while (waiting[0] && waiting[0].arrived < oldest)
      waiting.shift()?.fail(limits.refusal(new Error('waited too long')))
  }

  async function runLoad(calls: Call<In, Out>[]): Promise<void> {
    const own = { since: clock() }
    latest = own
    loads++
    try {
      const outs = await runDetached(() => load(calls.map(({ item }) => item)))
      for (const [i, call] of calls.entries()) call.answer(outs[i] as Out)
    } catch (error) {
      for (const call of calls) call.fail(error)
    } finally {
      loads--
      if (latest === own) latest = null
      if (waiting.length > 0) scheduleLoads()
    }
  }

  return (item) =>
    new Promise((answer, fail) => {
      if (waiting.length >= limits.waiting)
        return fail(limits.refusal(new Error(`${waiting.length} calls are waiting`)))
      waiting.push({ item, answer, fail, arrived: clock() })
      scheduleLoads()
    })
}
