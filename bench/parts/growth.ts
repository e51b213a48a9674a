/**
 * The cost of a check in database mode as the stored sessions grow. At every size the same number of sessions
 * is in use, spread over the whole table, so that the index is walked to its depth and the rows lie pages
 * apart. All of them are read once before, so that every size is measured from memory.
 */
import { statfs } from 'node:fs/promises'
import type { Measure } from '../measure.ts'
import { count, readable } from '../numbers.ts'
import type { Options } from '../options.ts'
import { progress } from '../progress.ts'
import type { Series } from '../results.ts'

/** Bytes on disk for each stored session, its share of indexes, users and write-ahead log included; rounded up. */
const BYTES_EACH = 1_500

export async function growth(
  { measure, warm }: Measure,
  { rounds, sizes, seconds, data }: Options,
): Promise<Series> {
  const { bavail, bsize } = await statfs(data)
  const series: Series = {}
  for (const sessions of sizes) {
    if (sessions * BYTES_EACH < bavail * bsize) series[sessions] = []
    else progress(`growth: no room on the disk for ${count(sessions)} sessions`)
  }
  for (let round = 1; round <= rounds; round++) {
    for (const [size, samples] of Object.entries(series)) {
      const turn = { name: 'database', sessions: Number(size), seconds }
      await warm(turn)
      const sample = await measure(turn)
      samples.push(sample)
      progress(
        `growth ${round}/${rounds}: ${count(turn.sessions)} sessions ${readable(sample.perSecond)} a second, ${readable(sample.serverCpu + sample.postgresCpu)} µs of CPU each`,
      )
    }
  }
  return series
}
