/** Reads a list from a file for an option. */
import { readFile } from 'node:fs/promises'
import { text } from 'node:stream/consumers'
import { UsageError } from './common.ts'

/**
 * The lines of a file, or of standard input for `-`: trimmed, each once, without byte order mark and blank lines.
 * @throws UsageError when reading fails.
 */
export async function readList(file: string, option: string): Promise<string[]> {
  const all = await (file === '-' ? text(process.stdin) : readFile(file, 'utf8')).catch((error: Error) => {
    throw new UsageError(`${option}: ${error.message}.`)
  })
  const lines = all.split(/\r?\n/).map((line) => line.trim())
  return [...new Set(lines.filter(Boolean))]
}
