/** What commands share: the database they talk to, tables for people and JSON for programs, and a question before harm. */
import { userInfo } from 'node:os'
import { createInterface } from 'node:readline/promises'
import Table from 'cli-table3'
import { ConfigError, DATA_FOLDER, readConfig } from '../config.ts'
import { Problem } from '../errors.ts'
import { type Database, openDatabase } from '../storage/database.ts'
import { rootCause } from '../storage/failures.ts'
import type { By } from '../storage/operations.ts'

/** Wrong usage that only the command itself can notice. */
export class UsageError extends Error {}

/** The command failed, and has said why already. */
export class Failed extends Error {}

/** The database of the settings, else that of a demo running in this folder. @throws ConfigError when there is neither. */
export async function databaseUrl(env: NodeJS.ProcessEnv): Promise<string> {
  const { databaseUrl } = readConfig(env)
  const { runningUrl } = await import('../dev/embedded.ts')
  const url = databaseUrl ?? (await runningUrl(DATA_FOLDER))
  if (!url) throw new ConfigError(['DATABASE_URL: name the database (no demo runs in this folder)'])
  return url
}

/** Runs `work` on the database, which is closed afterwards. */
export async function withDatabase<T>(
  env: NodeJS.ProcessEnv,
  work: (database: Database) => Promise<T>,
): Promise<T> {
  const database = openDatabase(await databaseUrl(env), { max: 2, deadlineMs: 10_000 })
  try {
    return await work(database)
  } finally {
    await database.close()
  }
}

/** Whoever runs the command, for the record. The operating system vouches for the name, nobody else. */
export function operator(): By {
  let name = String(process.getuid?.() ?? 'unknown')
  try {
    name = userInfo().username
  } catch {
    // A container may run as a user id without a name.
  }
  return { actorKind: 'system', actorId: `cli:${name}` }
}

export function print(text: string): void {
  process.stdout.write(`${text}\n`)
}

export function printJson(value: unknown): void {
  print(JSON.stringify(value, null, 2))
}

/** A table as wide as its content, without lines: easy to read, and to cut. */
export function printTable(head: string[], rows: string[][]): void {
  const nothing = Object.fromEntries(
    'top top-mid top-left top-right bottom bottom-mid bottom-left bottom-right left left-mid mid mid-mid right right-mid'
      .split(' ')
      .map((place) => [place, '']),
  )
  const table = new Table({
    head: head.map((word) => word.toUpperCase()),
    chars: { ...nothing, middle: '  ' },
    style: { head: [], border: [], 'padding-left': 0, 'padding-right': 0 },
  })
  table.push(...rows.map((row) => row.map(visible)))
  print(table.toString())
}

/** Names and user agents are other people's words: no control character of theirs reaches the terminal. */
function visible(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}]/gu, '\u{fffd}')
}

/** `2026-11-24 13:02` in UTC, or a dash. */
export function instant(at: Date | null): string {
  return at ? `${at.toISOString().slice(0, 16).replace('T', ' ')}Z` : '-'
}

/**
 * Asks before harm. @throws UsageError when nobody is there to ask, unless `yes` was said before.
 */
export async function confirm(question: string, yes: boolean | undefined): Promise<boolean> {
  if (yes) return true
  if (!process.stdin.isTTY) throw new UsageError(`${question} Nobody is there to ask: add --yes to go on.`)
  const asking = createInterface({ input: process.stdin, output: process.stderr })
  const answer = await asking.question(`${question} [y/N] `)
  asking.close()
  return /^y(es)?$/i.test(answer.trim())
}

/** The error in words, with what to do where that is known. */
export function explain(error: unknown): string {
  const told = error instanceof Problem && error.cause ? error.cause : error
  const { code, message, cause } = rootCause(told) as NodeJS.ErrnoException & {
    cause?: Error & { stderr?: string }
  }
  if (code === 'EADDRINUSE') return 'another program listens on this PORT; stop it or set PORT to a free one.'
  if (code === 'EACCES') return `not allowed: ${message}`
  if (code === 'ECONNREFUSED' || code === 'ENOTFOUND' || code === 'EAI_AGAIN')
    return `no database answers at DATABASE_URL (${code}). Is it running?`
  if (code === '28P01' || code === '28000') return `the database refused the user of DATABASE_URL: ${message}`
  if (code === '3D000') return `the database of DATABASE_URL does not exist: ${message}`
  if (code === '42P01') return `the database lacks tables of this version: run "global-logout migrate".`
  if (code === '42501') return `the user of DATABASE_URL may not do this: ${message}`
  if (/timeout expired/.test(message))
    return 'the database at DATABASE_URL accepts connections but does not answer.'
  const reason = cause?.stderr?.trim() || cause?.message
  return reason ? `${message}\n${reason}` : message
}
