/** Logs for tests: `keepLog` keeps its lines; `strictLog` fails the test on a warning or an error. */
import type { Test } from 'tap'
import type { Log } from '../../src/lib/log.ts'

export interface Line {
  level: keyof Log
  fields: Record<string, unknown>
  message: string
}

/** A log and the lines written to it. */
export function keepLog(): { log: Log; lines: Line[] } {
  const lines: Line[] = []
  const write = (level: keyof Log) => (fields: unknown, message?: unknown) =>
    void lines.push({ level, fields: fields as Line['fields'], message: String(message) })
  return { log: { info: write('info'), warn: write('warn'), error: write('error') }, lines }
}

/** Fails the test for each warning and error but the expected one. */
export function strictLog(t: Pick<Test, 'fail'>, expected?: string): Log {
  const fail = (fields: unknown, message?: unknown) => {
    if (message !== expected) t.fail(`${message}: ${(fields as { err?: unknown }).err}`)
  }
  return { info() {}, warn: fail, error: fail }
}
