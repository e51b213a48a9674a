/** Checks as fast as 32 connections can send them, every participant in turn, round after round. */
import type { Measure } from '../measure.ts'
import { participantOf } from '../measure.ts'
import { readable } from '../numbers.ts'
import type { Options } from '../options.ts'
import { progress } from '../progress.ts'
import type { Series } from '../results.ts'

export async function checks(
  { measure, rehearse }: Measure,
  { only, rounds, sessions, seconds }: Options,
): Promise<Series> {
  for (const name of only) await rehearse({ name, sessions, seconds })
  const series: Series = Object.fromEntries(only.map((name) => [name, []]))
  for (let round = 1; round <= rounds; round++) {
    for (const name of only) {
      const sample = await measure({ name, sessions, seconds })
      series[name]?.push(sample)
      progress(
        `checks ${round}/${rounds}: ${participantOf(name).label} ${readable(sample.perSecond)} a second`,
      )
    }
  }
  return series
}
