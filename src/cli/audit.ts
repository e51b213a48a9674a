/** `global-logout audit`: what was done, and whether the record of it is as it was written. */
import { type Command, InvalidArgumentError, Option } from 'commander'
import { z } from 'zod'
import { zonedInstant } from '../lib/schemas.ts'
import { AUDIT_KINDS } from '../operations/kinds.ts'
import type { AuditEntry } from '../security/audit.ts'
import { verify } from '../security/audit-chain.ts'
import { auditCsv } from '../security/audit-csv.ts'
import type { AuditFilter } from '../storage/audit.ts'
import { examples, Failed, instant, withDatabase, withServices } from './common.ts'
import { print, printCsv, printJson } from './print.ts'
import { counted } from './show.ts'
import { printTable } from './table.ts'

/** Without a limit so many are shown; a file has all. */
const LISTED = 100

interface Filters {
  user?: string
  actor?: string
  kind?: AuditFilter['kind']
  since?: Date
  until?: Date
  limit?: number
  json?: true
  csv?: true
}

export function addAuditCommand(program: Command, env: NodeJS.ProcessEnv): void {
  const audit = program
    .command('audit')
    .description('every operation, and whether the record was tampered with')
  audit.action(() => audit.error('audit: list or verify?'))

  audit
    .command('list')
    .allowExcessArguments(false)
    .description('operations, newest first; "external" lists sessions ended outside the service')
    .option('--user <id>', 'on this user')
    .option('--actor <id>', 'by this actor')
    .addOption(new Option('--kind <kind>', 'of this kind').choices(AUDIT_KINDS))
    .option('--since <instant>', 'at or after this day (UTC) or instant', date)
    .option('--until <instant>', 'before it', date)
    .option('--limit <n>', `so many at most; without, ${LISTED}, or all as CSV`, whole)
    .option('--json', 'print JSON')
    .addOption(new Option('--csv', 'print CSV').conflicts('json'))
    .addHelpText(
      'after',
      examples(
        'audit list --user demo-ada --since 2026-11-24',
        'audit list --kind user.revoke --since 2026-11-24T03:00:00Z --json',
        'audit list --kind external',
        'audit list --since 2026-11-24 --csv > audit.csv',
      ),
    )
    .action(async ({ user, actor, limit: given, json, csv, ...rest }: Filters) => {
      const filter: AuditFilter = { userId: user, actorId: actor, ...rest }
      if (csv) return withServices(env, ({ audit }) => printCsv(auditCsv(first(audit.all(filter), given))))
      const limit = given ?? LISTED
      const entries = await withServices(env, ({ audit }) => collect(first(audit.all(filter), limit)))
      if (json) return printJson(entries)
      if (entries.length === 0) return print('Nothing matches.')
      printTable(['at', 'kind', 'sessions', 'user', 'by', 'why', 'operation'], entries.map(row))
      if (entries.length === limit) print(`\nThe newest ${limit}; --limit shows more.`)
    })

  audit
    .command('verify')
    .allowExcessArguments(false)
    .description('recompute the chain over all operations and name what does not fit')
    .option(
      '--expect <number:hash>',
      'a head noted earlier: finds operations that were cut off at the end',
      head,
    )
    .option('--json', 'print JSON')
    .addHelpText('after', examples('audit verify', 'audit verify --expect 812:5f2b…'))
    .addHelpText(
      'after',
      `
Note the head that it prints where nobody who can write to the database can write, and pass it with --expect next time.
Exit code 1 when something does not fit.`,
    )
    .action(async ({ expect, json }: { expect?: string; json?: true }) => {
      const found = await withDatabase(env, (database) => verify(database, { expect }))
      const { operations, links, head, findings } = found
      if (json) printJson(found)
      else {
        for (const { detail } of findings) print(`- ${detail}`)
        const verdict =
          findings.length === 0 ? 'All is as it was written' : counted(findings.length, 'finding')
        print(`${verdict}: ${counted(operations, 'operation')}, ${counted(links, 'link')}.\nHead ${head}`)
      }
      if (findings.length > 0) throw new Failed()
    })
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

function row({ at, kind, revokedCount, userId, actorKind, actorId, reason, id }: AuditEntry): string[] {
  const who = actorKind ? `${actorKind} ${actorId ?? ''}`.trim() : '-'
  return [instant(at), kind, String(revokedCount), userId ?? '-', who, reason ?? '-', id ?? '-']
}

/** Of the calendar, as `Date` is not: 31 February would be a day in March. */
const moment = z.union([z.iso.date(), zonedInstant])

function date(text: string): Date {
  if (moment.safeParse(text).success) return new Date(text)
  throw new InvalidArgumentError('Give a day or an instant with its zone: 2026-11-24, 2026-11-24T03:00:00Z.')
}

function whole(text: string): number {
  if (!/^[1-9]\d{0,6}$/.test(text)) throw new InvalidArgumentError('Give a whole number from 1 to 9999999.')
  return Number(text)
}

function head(text: string): string {
  if (/^\d{1,15}:[0-9a-f]{64}$/i.test(text)) return text
  throw new InvalidArgumentError('Give NUMBER:HASH, as "audit verify" has printed it.')
}
