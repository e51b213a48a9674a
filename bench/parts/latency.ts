/**
 * How long a check takes while no participant is overloaded: at half the rate that the bare route reaches at most, the same
 * for all. wrk waits for an answer before it asks again on a connection, so a rate needs many connections that each
 * pause much longer than an answer takes: a slow answer then delays the few requests behind it on its own connection
 * and none on the others, and what is offered hardly depends on who answers. Pauses are random, as users are.
 */
import { type Measure, participantOf } from '../measure.ts'
import { median, readable } from '../numbers.ts'
import type { Options } from '../options.ts'
import { progress } from '../progress.ts'
import type { Results, Series } from '../results.ts'

const PAUSE_MS = 20
/** The participants that can keep up with half of the limit. */
const CANDIDATES = ['bare', 'leased', 'database']

export async function latency(
  { measure }: Measure,
  { only, rounds, sessions, seconds }: Options,
  measured: Series | undefined,
): Promise<NonNullable<Results['latency']>> {
  const bare = measured?.bare ?? [await measure({ name: 'bare', sessions, seconds })]
  const perSecond = median(bare.map((sample) => sample.perSecond)) / 2
  const pace = { pauseMs: PAUSE_MS, connections: Math.round((perSecond * PAUSE_MS) / 1000) }
  const names = CANDIDATES.filter((name) => only.includes(name))
  const series: Series = Object.fromEntries(names.map((name) => [name, []]))
  for (let round = 1; round <= rounds; round++) {
    for (const name of names) {
      const sample = await measure({ name, sessions, seconds, pace })
      series[name]?.push(sample)
      progress(
        `latency ${round}/${rounds}: ${participantOf(name).label} p99 ${readable(sample.p99Ms)} ms at ${readable(sample.perSecond)} a second`,
      )
    }
  }
  return { perSecond, series }
}
