/** Lists the slowest test files of a run, from the results that tap writes to `.tap`. */
import { readdir, readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'

const RESULTS = '.tap/test-results'
const END = '.tap'
const LISTED = 10

/**
 * @param since when the run began, in ms since 1970; older results are ignored.
 * @returns lines of TAP comments; none for a run of fewer than ten files.
 */
export async function slowestFiles(since: number): Promise<string> {
  const names = await readdir(RESULTS, { recursive: true }).catch(() => [])
  const results = names.filter((name) => name.endsWith(END)).map((name) => join(RESULTS, name))
  const times = await Promise.all(results.map((result) => timeOf(result, since)))
  const taken = times.filter((time) => time !== null)
  if (taken.length < LISTED) return ''
  const slowest = taken.sort((a, b) => b.seconds - a.seconds).slice(0, LISTED)
  const lines = slowest.map(({ file, seconds }) => `# ${seconds.toFixed(1).padStart(6)} s  ${file}\n`)
  return `# The ${LISTED} slowest of ${taken.length} test files:\n${lines.join('')}`
}

/** tap ends a result with `# time=` in ms, except that of a file that was killed. */
async function timeOf(result: string, since: number): Promise<{ file: string; seconds: number } | null> {
  if ((await stat(result)).mtimeMs < since) return null
  const [, ms] = /^# time=([\d.]+)ms\s*$/m.exec((await readFile(result, 'utf8')).slice(-200)) ?? []
  return ms ? { file: result.slice(RESULTS.length + 1, -END.length), seconds: Number(ms) / 1_000 } : null
}
