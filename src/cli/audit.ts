/** `global-logout audit`: what was done, and whether the record of it is as it was written. */
import { type Command, InvalidArgumentError } from 'commander'
import { type AuditEntry, createAudit } from '../security/audit.ts'
import { verify } from '../security/audit-chain.ts'
import type { AuditFilter } from '../storage/audit.ts'
import { Failed, instant, print, printJson, printTable, withDatabase } from './common.ts'

interface Filters {
  user?: string
  actor?: string
  kind?: AuditFilter['kind']
  since?: Date
  until?: Date
  limit: number
  json?: true
}

export function addAuditCommand(program: Command, env: NodeJS.ProcessEnv): void {
  const audit = program
    .command('audit')
    .description('every operation, and whether the record was tampered with')
  audit.action(() => audit.error('audit: list or verify?'))

  audit
    .command('list')
    .allowExcessArguments(false)
    .description('operations, newest first; "around" is what was ended behind the service\'s back')
    .option('--user <id>', 'on this user')
    .option('--actor <id>', 'by this actor')
    .option('--kind <kind>', 'of this kind: logout, user.revoke, incident.execute, around, …')
    .option('--since <instant>', '2026-11-24 or 2026-11-24T03:00:00Z', date)
    .option('--until <instant>', 'before this instant', date)
    .option('--limit <n>', 'so many at most', whole, 100)
    .option('--json', 'print JSON')
    .action(async ({ user, actor, limit, json, ...rest }: Filters) => {
      const filter: AuditFilter = { userId: user, actorId: actor, ...rest }
      const entries = await withDatabase(env, (database) => take(createAudit(database).all(filter), limit))
      if (json) return printJson(entries)
      if (entries.length === 0) return print('Nothing matches.')
      printTable(['at', 'kind', 'sessions', 'user', 'by', 'why', 'operation'], entries.map(row))
    })

  audit
    .command('verify')
    .allowExcessArguments(false)
    .description('recompute the chain over all operations and name what does not fit')
    .option('--expect <seq:hash>', 'a head noted earlier: finds operations that were cut off at the end')
    .option('--json', 'print JSON')
    .addHelpText(
      'after',
      `
Note the head that it prints where nobody who can write to the database can write, and pass it with --expect next time.
Exit code: 1 when something does not fit.`,
    )
    .action(async ({ expect, json }: { expect?: string; json?: true }) => {
      const found = await withDatabase(env, (database) => verify(database, { expect }))
      const { operations, links, head, findings } = found
      if (json) printJson(found)
      else {
        for (const { detail } of findings) print(`- ${detail}`)
        const verdict = findings.length === 0 ? 'All is as it was written' : `${findings.length} finding(s)`
        print(`${verdict}: ${operations} operations, ${links} links.\nHead ${head}`)
      }
      if (findings.length > 0) throw new Failed()
    })
}

async function take<T>(from: AsyncIterable<T>, limit: number): Promise<T[]> {
  const taken: T[] = []
  for await (const each of from) {
    taken.push(each)
    if (taken.length >= limit) break
  }
  return taken
}

function row({ at, kind, revokedCount, userId, actorKind, actorId, reason, id }: AuditEntry): string[] {
  const who = actorKind ? `${actorKind} ${actorId ?? ''}`.trim() : '-'
  return [instant(at), kind, String(revokedCount), userId ?? '-', who, reason ?? '-', id ?? '-']
}

function date(text: string): Date {
  const at = new Date(text)
  if (!/^\d{4}-\d\d-\d\d/.test(text) || Number.isNaN(at.getTime()))
    throw new InvalidArgumentError('Give an instant such as 2026-11-24T03:00:00Z.')
  return at
}

function whole(text: string): number {
  if (!/^[1-9]\d{0,6}$/.test(text)) throw new InvalidArgumentError('Give a whole number from 1 to 9999999.')
  return Number(text)
}
