/**
 * Output of commands, without control characters. Names, user agents and reasons come from users, who could otherwise
 * send escape sequences to the terminal.
 */
import { once } from 'node:events'

/** The text on one line, with each control character replaced by U+FFFD. */
export function visible(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}]/gu, '\u{fffd}')
}

export function print(text: string): void {
  process.stdout.write(`${lines(text)}\n`)
}

/** Prints messages: standard output holds only the result. */
export function printToStderr(text: string): void {
  process.stderr.write(`${lines(text)}\n`)
}

/** Prints JSON, with control characters escaped. */
export function printJson(value: unknown): void {
  const escaped = (text: string) =>
    [...Array(text.length).keys()]
      .map((i) => `\\u${text.charCodeAt(i).toString(16).padStart(4, '0')}`)
      .join('')
  process.stdout.write(`${JSON.stringify(value, null, 2).replace(/[^\n\P{C}]/gu, escaped)}\n`)
}

/** Prints CSV: unchanged to a file or pipe, without control characters to a terminal. */
export async function printCsv(lines: AsyncIterable<string>): Promise<void> {
  const { stdout } = process
  for await (const line of lines)
    if (!stdout.write(stdout.isTTY ? `${visible(line.trimEnd())}\n` : line)) await once(stdout, 'drain')
}

function lines(text: string): string {
  return text.split('\n').map(visible).join('\n')
}
