/** The actions of `global-logout audit`: list operations, show one, and verify the chain over them. */
import { z } from 'zod'
import { Failed, formatInstant, parseOption } from '../../cli/common.ts'
import type { CommandContext } from '../../cli/context.ts'
import { resolveId, shortId, wholeId } from '../../cli/ids.ts'
import { print, printCsv, printJson } from '../../cli/print.ts'
import { printTable } from '../../cli/table.ts'
import type { Database } from '../../database/database.ts'
import { zonedInstant } from '../../lib/schemas.ts'
import { endedCsv } from '../../operations/ended-sessions.ts'
import { operation } from '../../operations/schema.ts'
import { serviceKey } from '../../service-api/schema.ts'
import { describeDevice, deviceName } from '../../sessions/devices.ts'
import { user as users } from '../../sessions/schema.ts'
import { count } from '../../ui/format.ts'
import { toEndedSession } from '../accounts/json.ts'
import { toOperationJson } from '../operation-json.ts'
import type { Audit, AuditEntry } from './audit.ts'
import { verify } from './chain.ts'
import { auditCsv } from './csv.ts'
import type { AuditFilter } from './queries.ts'

export type AuditContext = CommandContext<{ audit: Audit; database: Pick<Database, 'run'> }>

export interface ListOptions {
  user?: string
  actor?: string
  kind?: AuditFilter['kind']
  since?: string
  until?: string
  limit?: number
  json?: true
  csv?: true
  wide?: true
}

export interface ShowOptions {
  limit?: number
  json?: true
  csv?: true
  wide?: true
}

export interface VerifyOptions {
  expect?: string
  json?: true
}

/** Validated by Zod, because `Date` takes 31 February for a day in March. */
const moment = z.union([z.iso.date(), zonedInstant])

const dayOrInstant = z
  .string()
  .refine(
    (text) => moment.safeParse(text).success,
    'must be a day, or an instant with its zone: 2026-11-24, 2026-11-24T03:00:00Z',
  )
  .transform((text) => new Date(text))

/** @param listed rows of the table without `--limit`. */
export async function list(context: AuditContext, options: ListOptions, listed: number): Promise<void> {
  const { user, actor, kind, since, until, limit: given, json, csv, wide } = options
  const times = {
    since: parseOption('since', dayOrInstant.optional(), since),
    until: parseOption('until', dayOrInstant.optional(), until),
  }
  const limit = csv ? given : (given ?? listed)
  const entries = await context.withServices(async ({ audit, database }) => {
    const filter: AuditFilter = {
      ...times,
      kind,
      userId: user && (await wholeId(database, [users.id], user)),
      actorId: actor && (await wholeId(database, [users.id, serviceKey.id], actor)),
    }
    if (csv) return printCsv(auditCsv(first(audit.all(filter), limit)))
    return collect(first(audit.all(filter), limit))
  })
  if (!entries) return
  if (json) return printJson(entries)
  if (entries.length === 0) return print('No entry matches.')
  printTable(
    HEADER,
    entries.map((entry) => row(entry, wide)),
  )
  if (entries.length === limit) print(`\nThe newest ${limit}; --limit shows more.`)
}

/** @param listed sessions without `--limit`. */
export async function show(
  context: AuditContext,
  given: string,
  { limit, json, csv, wide }: ShowOptions,
  listed: number,
): Promise<void> {
  await context.withServices(async ({ audit, database }) => {
    const id = await resolveId(database, operation.id, given, { what: 'an operation', list: 'audit list' })
    const { operation: found } = await audit.operation(id)
    if (csv) return printCsv(endedCsv(first(audit.endedBy(id), limit)))
    const sessions = await collect(first(audit.endedBy(id), limit ?? listed))
    if (json)
      return printJson({
        operation: toOperationJson(found),
        sessions: sessions.map(toEndedSession),
      })
    printTable(HEADER, [row(found, wide)])
    print(
      `\nSessions: ${sessions.length < found.revokedCount ? `${sessions.length} of ` : ''}${found.revokedCount}`,
    )
    if (sessions.length === 0) return
    printTable(
      ['ended', 'session', 'user', 'address', 'device'],
      sessions.map(({ sessionId, userId, userAgent, ipAddress, revokedAt }) => [
        formatInstant(revokedAt),
        shortId(sessionId, wide),
        shortId(userId, wide),
        ipAddress ?? '-',
        deviceName(describeDevice(userAgent)),
      ]),
    )
  })
}

export async function verifyRecord(context: AuditContext, { expect, json }: VerifyOptions): Promise<void> {
  const found = await context.withDatabase((database) => verify(database, { expect }))
  const { operations, links, erased, head, findings } = found
  if (json) printJson(found)
  else {
    for (const { detail } of findings) print(`- ${detail}`)
    const verdict = findings.length === 0 ? 'The audit log is intact' : count(findings.length, 'finding')
    const ofWhich = erased > 0 ? `, ${count(erased, 'operation')} with a person erased` : ''
    print(`${verdict}: ${count(operations, 'operation')}, ${count(links, 'link')}${ofWhich}.\nHead ${head}`)
  }
  if (findings.length > 0) throw new Failed()
}

async function* first<T>(from: AsyncIterable<T>, limit = Number.POSITIVE_INFINITY): AsyncGenerator<T> {
  let n = 0
  for await (const each of from) {
    yield each
    if (++n >= limit) return
  }
}

async function collect<T>(from: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = []
  for await (const each of from) all.push(each)
  return all
}

type Shown = Pick<
  AuditEntry,
  'at' | 'kind' | 'scope' | 'revokedCount' | 'userId' | 'actorKind' | 'actorId' | 'reason' | 'id' | 'erasedBy'
>

const HEADER = ['at', 'id', 'what', 'ended', 'user', 'by', 'why']

/** Users who act on themselves are not named twice. */
function row(
  { at, kind, scope, revokedCount, userId, actorKind, actorId, reason, id, erasedBy }: Shown,
  wide: boolean | undefined,
): string[] {
  const own = actorKind === 'user' && actorId === userId && !wide
  const none = erasedBy ? '(erased)' : '-'
  const who = [actorKind, actorId !== null && !own ? shortId(actorId, wide) : null].filter(Boolean).join(' ')
  return [
    formatInstant(at),
    id ? shortId(id, wide) : '-',
    scope ? `${kind} ${scope}` : kind,
    String(revokedCount),
    userId ? shortId(userId, wide) : none,
    who || '-',
    reason ?? none,
  ]
}
