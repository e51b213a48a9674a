/**
 * What commands share: the operator, a question before a write, examples and errors. Loads no library, as every help text
 * loads this.
 */
import { once } from 'node:events'
import { userInfo } from 'node:os'
import { createInterface } from 'node:readline'
import type { z } from 'zod'
import type { By } from '../operations/record.ts'
import { tell, visible } from './print.ts'

/** Wrong usage that only the command itself can notice. */
export class UsageError extends Error {}

/** The command failed, and has said why already. */
export class Failed extends Error {}

/** Whoever runs the command, for the record. The operating system vouches for the name, nobody else. */
export function operator() {
  let name = String(process.getuid?.() ?? 'unknown')
  try {
    name = userInfo().username
  } catch {
    // A container may run as a user id without a name.
  }
  return {
    actorKind: 'system' as const,
    actorId: `cli:${name}`,
    actorSessionId: null,
    ipAddress: null,
    userAgent: null,
  } satisfies By
}

/** For the end of a command's help: how it is used. */
export function examples(...lines: string[]): string {
  return `\n${lines.length > 1 ? 'Examples' : 'Example'}\n${lines.map((line) => `  global-logout ${line}`).join('\n')}`
}

/** `2026-11-24 13:02` in UTC, or a dash. */
export function instant(at: Date | null): string {
  return at ? `${at.toISOString().slice(0, 16).replace('T', ' ')}Z` : '-'
}

/**
 * Asks before harm; returns only after a yes. @throws UsageError when nobody is there to ask, unless `yes` was said before.
 * @throws Failed for any other answer, Ctrl-C and Ctrl-D among them.
 */
export async function confirm(question: string, yes: boolean | undefined): Promise<void> {
  if (yes) return
  if (!process.stdin.isTTY) throw new UsageError(`${question} Nobody is there to ask: add --yes to go on.`)
  const asking = createInterface({ input: process.stdin, output: process.stderr })
  let answer = ''
  asking.question(`${visible(question)} [y/N] `, (text) => {
    answer = text
    asking.close()
  })
  await once(asking, 'close')
  if (/^\s*y(es)?\s*$/i.test(answer)) return
  tell(`${answer === '' ? '\n' : ''}Nothing was changed.`)
  throw new Failed()
}

/** The value of an option, read by the schema that the API uses for it. @throws UsageError that names the option. */
export function parseOption<T>(name: string, schema: z.ZodType<T>, value: unknown): T {
  const parsed = schema.safeParse(value)
  if (parsed.success) return parsed.data
  throw new UsageError(`--${name}: ${parsed.error.issues[0]?.message}.`)
}
