/**
 * What reaches the terminal. Names, user agents and reasons are other people's words: no control character of theirs gets
 * there, neither in a table nor in a sentence nor in JSON.
 */
import { once } from 'node:events'

/** The text on one line, control characters replaced. */
export function visible(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}]/gu, '\u{fffd}')
}

export function print(text: string): void {
  process.stdout.write(`${lines(text)}\n`)
}

/** To people beside the result: standard output is for the result alone. */
export function tell(text: string): void {
  process.stderr.write(`${lines(text)}\n`)
}

export function printJson(value: unknown): void {
  const escaped = (text: string) =>
    [...Array(text.length).keys()]
      .map((i) => `\\u${text.charCodeAt(i).toString(16).padStart(4, '0')}`)
      .join('')
  process.stdout.write(`${JSON.stringify(value, null, 2).replace(/[^\n\P{C}]/gu, escaped)}\n`)
}

/** CSV as it is, for a file; on a terminal as everything else. */
export async function printCsv(lines: AsyncIterable<string>): Promise<void> {
  const { stdout } = process
  for await (const line of lines)
    if (!stdout.write(stdout.isTTY ? `${visible(line.trimEnd())}\n` : line)) await once(stdout, 'drain')
}

function lines(text: string): string {
  return text.split('\n').map(visible).join('\n')
}
