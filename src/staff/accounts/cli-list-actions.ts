/** The actions of `global-logout find` and `user locked|staff|note`, and of `lock` and `unlock` with a list. */
import { cliActor, confirm, Failed, formatInstant, parseOption, UsageError } from '../../cli/common.ts'
import { shortId } from '../../cli/ids.ts'
import { print, printJson, visible } from '../../cli/print.ts'
import { readList } from '../../cli/read-list.ts'
import { printTable } from '../../cli/table.ts'
import { describeDevice, deviceName } from '../../sessions/devices.ts'
import { count } from '../../ui/format.ts'
import { emailList, userIdList } from '../id-lists.ts'
import { lockFor, noteText, reason } from '../reason.ts'
import { type Listed, MAX_AT_ONCE } from './bulk.ts'
import type { ActOptions } from './cli-actions.ts'
import { type AccountsContext, findExactUser, withAccounts } from './cli-find-user.ts'
import { called, formatLock, printUsers } from './cli-format.ts'
import { toFound, toStaff, toUser } from './json.ts'
import type { FoundUser } from './queries.ts'

export interface ListOptions {
  limit?: number
  json?: true
  wide?: true
}

export interface BulkOptions extends ActOptions {
  users?: string
  emails?: string
}

/** Entries of a list that a file may have. */
const MAX_LISTED = 200_000
const LISTED = 100

export async function find(
  context: AccountsContext,
  text: string,
  { json, wide }: ListOptions,
): Promise<void> {
  const [found, placeOf] = await withAccounts(context, async (accounts, places) => [
    await accounts.findAny(text),
    await places.finder(),
  ])
  if (json) return printJson(toFound(found, placeOf))
  const { session, operation, address } = found
  if (session)
    print(
      `Session ${session.id} of ${visible(session.userId)}, ${deviceName(describeDevice(session.userAgent))}, ${session.ipAddress ?? 'no address'}, signed in ${formatInstant(session.createdAt)}, last seen ${formatInstant(session.lastSeenAt)}\n`,
    )
  if (operation)
    print(
      `Operation ${operation.id}, ${operation.kind}, ${formatInstant(operation.at)}. For more: global-logout audit show ${operation.id}\n`,
    )
  if (address)
    print(`An address. Who is signed in from there: global-logout incident sessions --ip ${address}\n`)
  if (found.users.length > 0 || !(session || operation || address)) printUsers(found, wide)
}

export async function listLocked(
  context: AccountsContext,
  { limit = LISTED, json, wide }: ListOptions,
): Promise<void> {
  const found: FoundUser[] = []
  let next: string | null = null
  await withAccounts(context, async (accounts) => {
    do {
      const page = await accounts.locks(next)
      found.push(...page.users)
      next = page.next
    } while (next && found.length < limit)
  })
  const shown = found.slice(0, limit)
  if (json) return printJson(shown.map(toUser))
  if (shown.length === 0) return print('No user is locked.')
  printTable(
    ['id', 'name', 'locked', 'until', 'why'],
    shown.map((user) => [
      shortId(user.id, wide),
      user.deleted ? '(deleted)' : called(user),
      formatInstant(user.lock?.lockedAt ?? null),
      user.lock ? formatLock(user.lock) : '-',
      user.lock?.reason ?? '-',
    ]),
  )
  if (next || found.length > limit) print('\n--limit shows more.')
}

export async function listStaff(context: AccountsContext, { json, wide }: ListOptions): Promise<void> {
  const found = await withAccounts(context, (accounts) => accounts.staff())
  if (json) return printJson(found.map(toStaff))
  if (found.length === 0) return print('No user has a role.')
  printTable(
    ['id', 'name', 'role', 'since'],
    found.map((user) => [
      shortId(user.id, wide),
      user.deleted ? '(deleted)' : called(user),
      user.role ?? '-',
      formatInstant(user.grantedAt),
    ]),
  )
}

export async function addNote(
  context: AccountsContext,
  text: string,
  given: string,
  { json }: ListOptions,
): Promise<void> {
  const note = parseOption('text', noteText, given)
  await withAccounts(context, async (accounts) => {
    const user = await findExactUser(accounts, text)
    const done = await accounts.addNote(user.id, note, cliActor())
    if (json) printJson(done)
    else print(`Noted on ${called(user)}. Operation ${done.operationId}.`)
  })
}

export async function lockListed(context: AccountsContext, options: BulkOptions): Promise<void> {
  const why = parseOption('reason', reason, options.reason)
  const lockSeconds = parseOption('for', lockFor, options.for)
  if (options.dryRun) throw new UsageError('--dry-run: plan an incident with --lock-for, which counts first.')
  if (options.allowUnknownId) throw new UsageError('--allow-unknown-id: takes a single user.')
  const parts = await listedIn(options)
  await withAccounts(context, async (accounts) => {
    const span = lockSeconds === null ? 'until staff unlock it' : `for ${options.for}`
    await confirm(`End all sessions of ${entries(parts)}, and lock sign-in ${span}?`, options.yes)
    const total = { locked: 0, revokedCount: 0, unknownUsers: [] as string[], unknownEmails: [] as string[] }
    for (const part of parts) {
      const done = await accounts.lockMany(part, { reason: why, lockSeconds }, cliActor())
      total.locked += done.locked
      total.revokedCount += done.revokedCount
      total.unknownUsers.push(...done.unknownUsers)
      total.unknownEmails.push(...done.unknownEmails)
    }
    if (options.json) printJson(total)
    else print(`${count(total.locked, 'user')} locked, ${count(total.revokedCount, 'session')} ended.`)
    failIfUnknown(total, options)
  })
}

export async function unlockListed(context: AccountsContext, options: Partial<BulkOptions>): Promise<void> {
  const why = options.reason === undefined ? null : parseOption('reason', reason, options.reason)
  const parts = await listedIn(options)
  await withAccounts(context, async (accounts) => {
    await confirm(`Unlock sign-in of ${entries(parts)}?`, options.yes)
    const total = { unlocked: 0, unknownUsers: [] as string[], unknownEmails: [] as string[] }
    for (const part of parts) {
      const done = await accounts.unlockMany(part, why, cliActor())
      total.unlocked += done.unlocked
      total.unknownUsers.push(...done.unknownUsers)
      total.unknownEmails.push(...done.unknownEmails)
    }
    if (options.json) printJson(total)
    else print(`${count(total.unlocked, 'user')} may sign in again.`)
    failIfUnknown(total, options)
  })
}

/** The lists in parts of a thousand: each is one transaction. @throws UsageError without a list. */
async function listedIn({ users, emails }: Pick<BulkOptions, 'users' | 'emails'>): Promise<Listed[]> {
  if (users === undefined && emails === undefined)
    throw new UsageError('name a user, or give --users or --emails.')
  const ids =
    users === undefined ? [] : parseOption('users', userIdList(MAX_LISTED), await readList(users, '--users'))
  const addresses =
    emails === undefined
      ? []
      : parseOption('emails', emailList(MAX_LISTED), await readList(emails, '--emails'))
  return [
    ...inParts(ids).map((userIds) => ({ userIds })),
    ...inParts(addresses).map((part) => ({ emails: part })),
  ]
}

function inParts(list: string[]): string[][] {
  const parts: string[][] = []
  for (let at = 0; at < list.length; at += MAX_AT_ONCE) parts.push(list.slice(at, at + MAX_AT_ONCE))
  return parts
}

function entries(parts: Listed[]): string {
  const of = (list: keyof Listed) => parts.reduce((sum, part) => sum + (part[list]?.length ?? 0), 0)
  return [
    of('userIds') && count(of('userIds'), 'user'),
    of('emails') && `the users of ${of('emails').toLocaleString('en')} addresses`,
  ]
    .filter(Boolean)
    .join(' and ')
}

/** @throws Failed with the entries that fit nothing here. */
function failIfUnknown(
  { unknownUsers, unknownEmails }: { unknownUsers: string[]; unknownEmails: string[] },
  { json }: Pick<BulkOptions, 'json'>,
): void {
  const unknown = [...unknownUsers, ...unknownEmails]
  if (unknown.length === 0) return
  if (!json) {
    const more = unknown.length > 10 ? ` and ${(unknown.length - 10).toLocaleString('en')} more` : ''
    print(`Not known here, and left as they are: ${visible(unknown.slice(0, 10).join(', '))}${more}.`)
  }
  throw new Failed()
}
