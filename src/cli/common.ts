/** What commands share: the database they talk to, whoever runs them, a question before harm, and errors in words. */
import { once } from 'node:events'
import { userInfo } from 'node:os'
import { createInterface } from 'node:readline'
import { ConfigError, DATA_FOLDER, readConfig } from '../config.ts'
import { Problem } from '../errors.ts'
import { silentLog } from '../lib/log.ts'
import type { Services } from '../services.ts'
import { type Database, openDatabase } from '../storage/database.ts'
import { isHidden, rootCause } from '../storage/failures.ts'
import type { By } from '../storage/operations.ts'
import { tell, visible } from './print.ts'

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

/** For one query of a command, in milliseconds: nobody's request waits. */
const DEADLINE_MS = 10_000

/** Runs `work` with the services, without their jobs; they are closed afterwards. */
export async function withServices<T>(
  env: NodeJS.ProcessEnv,
  work: (services: Services) => Promise<T>,
): Promise<T> {
  const url = await databaseUrl(env)
  // What only the server needs takes other commands no time.
  const { createServices } = await import('../services.ts')
  const services = createServices(readConfig(env), silentLog, { url, deadlineMs: DEADLINE_MS })
  try {
    return await work(services)
  } finally {
    await services.close()
  }
}

/** Runs `work` on the database, which is closed afterwards. */
export async function withDatabase<T>(
  env: NodeJS.ProcessEnv,
  work: (database: Database) => Promise<T>,
): Promise<T> {
  const database = openDatabase(await databaseUrl(env), { max: 2, deadlineMs: DEADLINE_MS })
  try {
    return await work(database)
  } finally {
    await database.close()
  }
}

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

/** The error in words, with what to do where that is known. */
export function explain(error: unknown): string {
  if (error instanceof Problem && error.code === 'outcome_unknown')
    return 'the connection was lost while the change was committed: it may have been made. Run the command again.'
  if (error instanceof Problem && !error.cause) return error.detail
  const root = rootCause(error instanceof Problem ? error.cause : error)
  const { code, message, cause } = root as Error & { code?: string; cause?: Error & { stderr?: string } }
  if (isHidden(root))
    return `row level security hides rows from the user of DATABASE_URL: ${message}. Nothing was changed. "global-logout doctor" says what to do.`
  const known = code && KNOWN[code]
  if (known) return known(code, message)
  if (/timeout expired/.test(message))
    return 'the database at DATABASE_URL accepts connections but does not answer.'
  const reason = cause?.stderr?.trim() || cause?.message
  return reason ? `${message}\n${reason}` : message
}

const away = (code: string) => `no database answers at DATABASE_URL (${code}). Is it running?`
const refused = (_: string, message: string) => `the database refused the user of DATABASE_URL: ${message}`
const older = () => 'the database lacks tables of this version: run "global-logout migrate" as their owner.'

/** Codes of the system and of PostgreSQL that people meet, and what they mean. */
const KNOWN: Record<string, (code: string, message: string) => string> = {
  EADDRINUSE: () => 'another program listens on this PORT; stop it or set PORT to a free one.',
  EACCES: (_, message) => `not allowed: ${message}`,
  ECONNREFUSED: away,
  ECONNRESET: away,
  EHOSTUNREACH: away,
  ENETUNREACH: away,
  ETIMEDOUT: away,
  ENOTFOUND: away,
  EAI_AGAIN: away,
  '28P01': refused,
  '28000': refused,
  '3D000': (_, message) => `the database of DATABASE_URL does not exist: ${message}`,
  '3F000': older,
  '42P01': older,
  '42703': older,
  '42883': older,
  '42501': (_, message) =>
    `the user of DATABASE_URL may not do this: ${message}. Connect as a role in global_logout_service, or as the owner of the tables.`,
}
