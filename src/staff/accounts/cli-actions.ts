/** The actions of `global-logout user|sessions|revoke|lock|unlock`. */

import { cliActor, confirm, parseOption } from '../../cli/common.ts'
import { print, printJson, visible } from '../../cli/print.ts'
import { printTable } from '../../cli/table.ts'
import { count } from '../../ui/format.ts'
import { lockFor, reason } from '../reason.ts'
import type { StaffRole } from '../role-names.ts'
import { MAX_FOUND } from './accounts.ts'
import { type AccountsContext, findExactUser, findOneUser, withAccounts } from './cli-find-user.ts'
import { called, formatLock, printAccount, printSessions, userRow } from './cli-format.ts'
import { toAccount, toRevoked, toUser } from './json.ts'

export interface ShowOptions {
  json?: true
}

export interface ListSessionsOptions extends ShowOptions {
  limit?: number
}

export interface ActOptions {
  reason: string
  for?: string
  allowUnknownId?: true
  dryRun?: true
  yes?: true
  json?: true
}

export async function findUsers(
  context: AccountsContext,
  text: string,
  { json }: ShowOptions,
): Promise<void> {
  const found = await withAccounts(context, (accounts) => accounts.find(text))
  if (json) return printJson(found.map(toUser))
  if (found.length === 0) return print('No user found.')
  printTable(['id', 'name', 'email', 'role', 'lock'], found.map(userRow))
  if (found.length === MAX_FOUND) print(`\nThe first ${MAX_FOUND}; give more of the id, email or name.`)
}

export async function showUser(context: AccountsContext, text: string, { json }: ShowOptions): Promise<void> {
  await withAccounts(context, async (accounts, places) => {
    const account = await accounts.show((await findOneUser(accounts, text)).id)
    const placeOf = await places.finder()
    if (json) printJson(toAccount(account, placeOf))
    else printAccount(account, placeOf)
  })
}

export async function listSessions(
  context: AccountsContext,
  text: string,
  { json, limit }: ListSessionsOptions,
): Promise<void> {
  await withAccounts(context, async (accounts, places) => {
    const { id } = await findOneUser(accounts, text)
    const account = await accounts.show(id, { limit })
    const placeOf = await places.finder()
    if (json) printJson(toAccount(account, placeOf).sessions)
    else printSessions(account, placeOf)
    if (!json && account.next) print('\n--limit shows more.')
  })
}

export async function giveRole(
  context: AccountsContext,
  text: string,
  role: StaffRole | 'none',
  options: ActOptions,
): Promise<void> {
  await withAccounts(context, async (accounts) => {
    const why = parseOption('reason', reason, options.reason)
    const user = await findExactUser(accounts, text)
    await confirm(
      `Change the role of ${called(user)}, ${user.id}, from ${user.role ?? 'none'} to ${role}?`,
      options.yes,
    )
    const done = await accounts.setRole(user.id, role === 'none' ? null : role, why, cliActor())
    if (options.json) return printJson({ ...done, role: role === 'none' ? null : role })
    print(`${called(user)}: ${done.before ?? 'none'} before, ${role} from now on.`)
  })
}

export function revokeAll(context: AccountsContext, text: string, options: ActOptions): Promise<void> {
  return end(context, text, options, undefined)
}

export async function lock(context: AccountsContext, text: string, options: ActOptions): Promise<void> {
  await end(context, text, options, parseOption('for', lockFor, options.for))
}

export async function unlock(
  context: AccountsContext,
  text: string,
  options: Partial<ActOptions>,
): Promise<void> {
  await withAccounts(context, async (accounts) => {
    const why = options.reason === undefined ? null : parseOption('reason', reason, options.reason)
    const user = await findExactUser(accounts, text)
    if (user.lock)
      await confirm(
        `Unlock sign-in of ${called(user)} ("${user.lock.reason}", until ${formatLock(user.lock)})?`,
        options.yes,
      )
    const done = await accounts.unlock(user.id, why, cliActor())
    if (options.json) printJson(done)
    else print(`${called(user)} ${done.operationId ? 'may sign in again' : 'is not locked'}.`)
  })
}

/** @param lockSeconds undefined: no lock; null: until staff unlock it. */
async function end(
  context: AccountsContext,
  text: string,
  options: ActOptions,
  lockSeconds: number | null | undefined,
): Promise<void> {
  const why = parseOption('reason', reason, options.reason)
  const { allowUnknownId } = options
  await withAccounts(context, async (accounts, places) => {
    const user = await findExactUser(accounts, text, { allowUnknownId })
    const account = await accounts.show(user.id, { allowUnknownId })
    const lock =
      lockSeconds === undefined
        ? ''
        : ` and lock sign-in ${lockSeconds === null ? 'until staff unlock it' : `for ${options.for}`}`
    if (options.dryRun) {
      const placeOf = await places.finder()
      const { sessions, sessionCount } = toAccount(account, placeOf)
      if (options.json) return printJson({ dryRun: true, userId: user.id, sessionCount, sessions })
      printSessions(account, placeOf)
      const what = account.isKnown
        ? 'ends all of them'
        : `refuses sessions from before of the id "${visible(user.id)}", which no user here has`
      return print(`\nDry run: nothing was changed. Without --dry-run this ${what}${lock}.`)
    }
    const question = account.isKnown
      ? `End ${count(account.sessionCount, 'session')} of ${called(user)}${lock}?`
      : `No user here has the id "${user.id}". Refuse its sessions from before${lock}?`
    await confirm(question, options.yes)
    const done = await accounts.revoke(user.id, { reason: why, lockSeconds, allowUnknownId }, cliActor())
    if (options.json) return printJson(toRevoked(done))
    const { operationId, revokedCount, lock: held } = done
    if (!account.isKnown)
      print(
        `No user here had the id "${visible(user.id)}". Its sessions from before are refused from now on.`,
      )
    print(`${count(revokedCount, 'session')} of ${called(user)} ended. Operation ${operationId}.`)
    if (held) print(`Sign-in is locked until ${formatLock(held)}.`)
  })
}
