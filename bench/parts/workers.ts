/**
 * Checks with several workers on one port, in both modes. It needs a machine with cores for all of them, PostgreSQL and the load: with
 * two, it shows only that workers cost little.
 */
import { availableParallelism } from 'node:os'
import type { Measure } from '../measure.ts'
import { readable } from '../numbers.ts'
import type { Options } from '../options.ts'
import { progress } from '../progress.ts'
import type { Series } from '../results.ts'

const MODES = ['leased', 'database']
const WORKERS = [1, 2, 4, 8]
const CONNECTIONS = 128

/** By mode and workers, as `labelOf` names them. */
export async function workers({ measure }: Measure, { rounds, sessions, seconds }: Options): Promise<Series> {
  const series: Series = {}
  const all = MODES.flatMap((name) =>
    WORKERS.filter((many) => many <= availableParallelism()).map((many) => ({ name, many })),
  )
  for (let round = 1; round <= rounds; round++)
    for (const { name, many } of all) {
      const env = { WORKERS: String(many) }
      const sample = await measure({ name, sessions, seconds, env, pace: { connections: CONNECTIONS } })
      series[labelOf(name, many)] = [...(series[labelOf(name, many)] ?? []), sample]
      progress(`workers ${round}/${rounds}: ${name}, ${many}, ${readable(sample.perSecond)} a second`)
    }
  return series
}

export const labelOf = (mode: string, many: number) => `${mode}, ${many} ${many === 1 ? 'worker' : 'workers'}`
