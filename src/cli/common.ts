/** What commands share: actor, confirmation, examples, times, options and errors. Loads no library, as every help loads this file. */
import { once } from 'node:events'
import { constants, userInfo } from 'node:os'
import { createInterface } from 'node:readline'
import type { z } from 'zod'
import type { Actor } from '../operations/record.ts'
import { printToStderr, visible } from './print.ts'

/** Wrong usage that commander cannot detect. Exit code 2. */
export class UsageError extends Error {}

/** The command failed and has printed the reason. Exit code 1. */
export class Failed extends Error {}

/** Stopped by a signal, with the exit code of a shell: 130 for Ctrl-C, 143 for SIGTERM. */
export class Interrupted extends Error {
  readonly exitCode: number

  constructor(signal: 'SIGINT' | 'SIGTERM') {
    super(`interrupted by ${signal}`)
    this.exitCode = 128 + constants.signals[signal]
  }
}

/**
 * Runs `work` with a signal that Ctrl-C or SIGTERM aborts; a second one ends the process at once.
 * @returns its result, and which of the two came.
 */
export async function untilInterrupted<T>(
  work: (signal: AbortSignal) => Promise<T>,
): Promise<{ result: T; by: 'SIGINT' | 'SIGTERM' | null }> {
  const stop = new AbortController()
  let by: 'SIGINT' | 'SIGTERM' | null = null
  const onSignal = (signal: NodeJS.Signals) => {
    by = signal as 'SIGINT' | 'SIGTERM'
    stop.abort()
  }
  process.once('SIGINT', onSignal).once('SIGTERM', onSignal)
  try {
    return { result: await work(stop.signal), by }
  } finally {
    process.off('SIGINT', onSignal).off('SIGTERM', onSignal)
  }
}

/** The actor to record for a command: the user of the operating system, who is not authenticated further. */
export function cliActor() {
  let name = String(process.getuid?.() ?? 'unknown')
  try {
    name = userInfo().username
  } catch {
    // A container may run under a user id that has no name.
  }
  return {
    actorKind: 'system' as const,
    actorId: `cli:${name}`,
    actorSessionId: null,
    ipAddress: null,
    userAgent: null,
  } satisfies Actor
}

/** The option of commands that print ids. */
export const WIDE = ['--wide', 'print whole ids'] as const

/** The examples at the end of a command's help. */
export function examples(...lines: string[]): string {
  return `\n${lines.length > 1 ? 'Examples' : 'Example'}\n${lines.map((line) => `  global-logout ${line}`).join('\n')}`
}

/** `2026-11-24 13:02:33Z`, in UTC; a dash for null. */
export function formatInstant(at: Date | null): string {
  return at ? `${at.toISOString().slice(0, 19).replace('T', ' ')}Z` : '-'
}

/**
 * Asks for a yes, unless `yes` is given. @throws UsageError when standard input is not a terminal.
 * @throws Failed for any other answer, and for Ctrl-D. @throws Interrupted for Ctrl-C.
 */
export async function confirm(question: string, yes: boolean | undefined): Promise<void> {
  if (yes) return
  if (!process.stdin.isTTY) throw new UsageError(`${question} Not a terminal: pass --yes to confirm.`)
  const prompt = createInterface({ input: process.stdin, output: process.stderr })
  let answer = ''
  let interrupted = false
  prompt.once('SIGINT', () => {
    interrupted = true
    prompt.close()
  })
  prompt.question(`${visible(question)} [y/N] `, (text) => {
    answer = text
    prompt.close()
  })
  await once(prompt, 'close')
  if (/^\s*y(es)?\s*$/i.test(answer)) return
  printToStderr(`${answer === '' ? '\n' : ''}Nothing was changed.`)
  throw interrupted ? new Interrupted('SIGINT') : new Failed()
}

/** The value of an option, read by the schema that the API uses for it. @throws UsageError that names the option. */
export function parseOption<T>(name: string, schema: z.ZodType<T>, value: unknown): T {
  const parsed = schema.safeParse(value)
  if (parsed.success) return parsed.data
  throw new UsageError(`--${name}: ${parsed.error.issues[0]?.message}.`)
}
