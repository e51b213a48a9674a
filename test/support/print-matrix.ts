/**
 * `npm run matrix`: prints what the last run of the tests tried, by layout, driver and strategy, from its
 * results.
 */
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { table } from '../../src/cli/table.ts'
import { parseCell } from './matrix.ts'

const RESULTS = '.tap/test-results'

const files = await readdir(RESULTS, { recursive: true }).catch(() => [])
const found: string[][] = []
let failed = 0
for (const file of files.filter((name) => name.endsWith('.tap')).sort()) {
  for (const [, not, text = ''] of (await readFile(join(RESULTS, file), 'utf8')).matchAll(
    /^ *(not )?ok \d+ - (.*?)(?: # .*)?$/gm,
  )) {
    const cell = parseCell(text)
    if (!cell) continue
    if (not) failed++
    const { layout, driver, strategy, sentence } = cell
    found.push([
      layout,
      driver,
      strategy,
      not ? 'FAILED' : 'passed',
      `${file.replace(/\.tap$/, '')}: ${sentence}`,
    ])
  }
}
if (found.length === 0) {
  process.stdout.write(`No results in ${RESULTS}. Run "npm test" first.\n`)
  process.exitCode = 1
} else {
  const key = (row: string[]) => row.join('\0')
  found.sort((a, b) => (key(a) < key(b) ? -1 : 1))
  const kinds = (column: number) => new Set(found.map((row) => row[column])).size
  process.stdout.write(`${table(['layout', 'driver', 'strategy', 'result', 'test'], found)}\n
${found.length} combinations: ${kinds(0)} layouts, ${kinds(1)} drivers, ${kinds(2)} strategies; ${failed} failed.\n`)
  if (failed > 0) process.exitCode = 1
}
