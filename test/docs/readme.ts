/** Reads sections, tables and shell blocks of the README for tests. */
import { readFile } from 'node:fs/promises'

export const readme = await readFile(new URL('../../README.md', import.meta.url), 'utf8')

/** The text of a section, up to the next heading of its own rank or above. @throws Error if there is none. */
export function readmeSection(title: string, text = readme): string {
  const [, rest] = text.split(`\n## ${title}\n`)
  if (rest === undefined) throw new Error(`There is no section "${title}"`)
  return rest.split('\n## ', 1)[0] ?? ''
}

/** The rows of the first table in a section, without its header; code marks removed. */
export function readmeTable(title: string, text = readme): string[][] {
  const [, ...rows] = readmeSection(title, text)
    .split('\n')
    .filter((line) => line.startsWith('| ') && !line.startsWith('| --'))
  return rows.map((row) =>
    row
      .slice(1, -1)
      .split(/ \|(?= )/)
      .map((cell) => cell.trim().replace(/^`([^`]*)`$/, '$1')),
  )
}

/** The shell commands of a section, one string for each block. */
export function shellBlocks(title: string): string[] {
  return [...readmeSection(title).matchAll(/```sh\n(.*?)```/gs)].map(([, commands]) => commands ?? '')
}
