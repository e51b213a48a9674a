/** Whose sessions an incident is about, as options of the command line say it. */
import { readFile } from 'node:fs/promises'
import { text } from 'node:stream/consumers'
import { selection } from '../security/selection.ts'
import { UsageError } from './common.ts'

export interface SelectionOptions {
  user?: string[]
  users?: string
  ip?: string
  createdBefore?: string
  createdAfter?: string
  userAgent?: string
  everyone?: true
}

/** @throws UsageError naming the option that is wrong. */
export async function selectionOf({
  user,
  users,
  ip,
  createdBefore,
  createdAfter,
  userAgent,
  everyone,
}: SelectionOptions) {
  const userIds = [...(user ?? []), ...(users === undefined ? [] : await readUsers(users))]
  const parts = {
    userIds: user || users ? userIds : undefined,
    ipRange: ip,
    createdBefore,
    createdAfter,
    userAgent,
    everyone,
  }
  const given = Object.fromEntries(Object.entries(parts).filter(([, value]) => value !== undefined))
  const parsed = selection.safeParse(given)
  if (parsed.success) return parsed.data
  const [issue] = parsed.error.issues
  const name = OPTIONS[String(issue?.path[0])]
  throw new UsageError(
    name
      ? `${name}: ${issue?.message}.`
      : 'say whose sessions: --user, --users, --ip, --created-before, --created-after, --user-agent or --everyone.',
  )
}

const OPTIONS: Record<string, string> = {
  userIds: '--users',
  ipRange: '--ip',
  createdBefore: '--created-before',
  createdAfter: '--created-after',
  userAgent: '--user-agent',
  everyone: '--everyone',
}

/** Ids of a file, one a line; a byte order mark and blank lines do not count. @throws UsageError when it cannot be read. */
async function readUsers(file: string): Promise<string[]> {
  const all = await (file === '-' ? text(process.stdin) : readFile(file, 'utf8')).catch((error: Error) => {
    throw new UsageError(`--users: ${error.message}.`)
  })
  const ids = all.split(/\r?\n/).map((line) => line.trim())
  return [...new Set(ids.filter(Boolean))]
}
