/**
 * What a check costs in database mode with few and with many connections that ask: where few checks arrive together, few share a
 * query. CPU of server and PostgreSQL together, which depends little on what else the machine does. The bare route, which reads no
 * session, shows how much of it is HTTP.
 */
import type { Measure } from '../measure.ts'
import { readable } from '../numbers.ts'
import type { Options } from '../options.ts'
import { progress } from '../progress.ts'
import type { Series } from '../results.ts'

const CONNECTIONS = [1, 4, 16, 64]

const PARTICIPANTS = { database: '', bare: 'bare route, ' }

/** By connections, with the label of the bare route in front. */
export async function connections(
  { measure }: Measure,
  { rounds, sessions, seconds }: Options,
): Promise<Series> {
  const series: Series = {}
  for (let round = 1; round <= rounds; round++) {
    for (const many of CONNECTIONS)
      for (const [name, label] of Object.entries(PARTICIPANTS)) {
        const sample = await measure({ name, sessions, seconds, pace: { connections: many } })
        const samples = series[`${label}${many}`] ?? []
        series[`${label}${many}`] = [...samples, sample]
        progress(
          `connections ${round}/${rounds}: ${label}${many}, ${readable(sample.perSecond)} a second, ${readable(sample.serverCpu + sample.postgresCpu)} µs of CPU each`,
        )
      }
  }
  return series
}
