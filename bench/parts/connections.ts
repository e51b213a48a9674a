/**
 * What a check costs in database mode with few and with many connections that ask: where few checks arrive together, few share a
 * query. CPU of server and PostgreSQL together, which depends little on what else the machine does.
 */
import type { Measure } from '../measure.ts'
import { readable } from '../numbers.ts'
import type { Options } from '../options.ts'
import { progress } from '../progress.ts'
import type { Series } from '../results.ts'

const CONNECTIONS = [1, 4, 16, 64]

/** By connections. */
export async function connections(
  { measure }: Measure,
  { rounds, sessions, seconds }: Options,
): Promise<Series> {
  const series: Series = Object.fromEntries(CONNECTIONS.map((many) => [many, []]))
  for (let round = 1; round <= rounds; round++) {
    for (const many of CONNECTIONS) {
      const sample = await measure({ name: 'database', sessions, seconds, pace: { connections: many } })
      series[many]?.push(sample)
      progress(
        `connections ${round}/${rounds}: ${many}, ${readable(sample.perSecond)} a second, ${readable(sample.serverCpu + sample.postgresCpu)} µs of CPU each`,
      )
    }
  }
  return series
}
