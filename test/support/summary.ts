/** Sums up a run from the results that tap writes to `.tap`: the slowest test files, and at the very end each failure. */
import { readdir, readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { Parser } from 'tap-parser'

const RESULTS = '.tap/test-results'
const END = '.tap'
const SLOWEST = 10
const FAILURES = 20

interface Result {
  file: string
  /** Null for a file that was killed, or did not end in time. */
  seconds: number | null
  /** Each a failed assertion as TAP, with the names of the tests that hold it, and its diagnostics. */
  failures: string[]
}

/**
 * @param since when the run began, in ms since 1970; older results are ignored.
 * @returns lines of TAP comments and the failed assertions; the slowest files only for a run of ten files or more.
 */
export async function summary(since: number): Promise<string> {
  const names = await readdir(RESULTS, { recursive: true }).catch(() => [])
  const files = names.filter((name) => name.endsWith(END))
  const results = (await Promise.all(files.map((name) => resultOf(name, since)))).filter(
    (one) => one !== null,
  )
  return slowest(results) + failures(results)
}

function slowest(results: Result[]): string {
  const taken = results.flatMap(({ file, seconds }) => (seconds === null ? [] : [{ file, seconds }]))
  if (taken.length < SLOWEST) return ''
  const listed = taken.sort((a, b) => b.seconds - a.seconds).slice(0, SLOWEST)
  const lines = listed.map(({ file, seconds }) => `# ${seconds.toFixed(1).padStart(6)} s  ${file}\n`)
  return `# The ${SLOWEST} slowest of ${taken.length} test files:\n${lines.join('')}`
}

function failures(results: Result[]): string {
  const all = results.flatMap(({ file, seconds, failures }) => [
    ...failures.map((failure) => `# ${file}\n${failure}`),
    ...(seconds === null ? [`# ${file}\n# was killed, or did not end in time\n`] : []),
  ])
  if (all.length === 0) return ''
  const rest = all.length > FAILURES ? `# … and ${all.length - FAILURES} more\n` : ''
  return `# Failed:\n${all.slice(0, FAILURES).join('')}${rest}`
}

/** tap ends a result with `# time=` in ms, except that of a file that was killed. */
async function resultOf(name: string, since: number): Promise<Result | null> {
  const path = join(RESULTS, name)
  if ((await stat(path)).mtimeMs < since) return null
  const tap = await readFile(path, 'utf8')
  const [, ms] = /^# time=([\d.]+)ms\s*$/m.exec(tap.slice(-200)) ?? []
  return {
    file: name.slice(0, -END.length),
    seconds: ms ? Number(ms) / 1_000 : null,
    failures: Parser.parse(tap, { flat: true })
      .filter((event) => event[0] === 'assert' && !event[1].ok)
      .map((event) => Parser.stringify([event], { flat: true })),
  }
}
