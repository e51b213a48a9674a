/** The actions of `global-logout user|sessions|revoke|lock|unlock`. */

import { cliActor, confirm, parseOption } from '../../cli/common.ts'
import { print, printJson, printToStderr, visible } from '../../cli/print.ts'
import type { PlaceOf } from '../../sessions/places.ts'
import { count } from '../../ui/format.ts'
import { lockFor, reason } from '../reason.ts'
import type { StaffRole } from '../role-names.ts'
import type { Account } from './accounts.ts'
import {
  type AccountsContext,
  findExactUser,
  findExactUsers,
  findOneUser,
  withAccounts,
} from './cli-find-user.ts'
import { called, formatLock, printAccount, printSessions, printUsers } from './cli-format.ts'
import { eachOf, forEachUser, oneOrAll, separately } from './cli-several.ts'
import { toAccount, toRevoked, toUser } from './json.ts'

export interface ShowOptions {
  json?: true
  wide?: true
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
  wide?: true
}

export interface RevokeOptions extends ActOptions {
  session?: string[]
}

export async function findUsers(
  context: AccountsContext,
  text: string,
  { json, wide }: ShowOptions,
): Promise<void> {
  const { users: found, parts } = await withAccounts(context, (accounts) => accounts.find(text))
  if (json) return printJson(found.map(toUser))
  printUsers({ users: found, parts }, wide)
}

export async function showUsers(
  context: AccountsContext,
  texts: readonly string[],
  { json, wide }: ShowOptions,
): Promise<void> {
  await withAccounts(context, async (accounts, places) => {
    const found = await eachOf(texts, async (text) => accounts.show((await findOneUser(accounts, text)).id))
    const placeOf = await places.finder()
    if (json) return printJson(oneOrAll(found.map((account) => toAccount(account, placeOf))))
    separately(found, (account) => printAccount(account, placeOf, wide))
  })
}

export async function listSessions(
  context: AccountsContext,
  texts: readonly string[],
  { json, limit, wide }: ListSessionsOptions,
): Promise<void> {
  await withAccounts(context, async (accounts, places) => {
    const found = await eachOf(texts, async (text) =>
      accounts.show((await findOneUser(accounts, text)).id, { limit }),
    )
    const placeOf = await places.finder()
    if (json) {
      const all = found.map((account) => {
        const { user, sessions } = toAccount(account, placeOf)
        return { userId: user.id, sessions }
      })
      return printJson(all.length === 1 ? all[0]?.sessions : all)
    }
    separately(found, (account) => {
      printSessions(account, placeOf, { wide })
      if (account.next) print('\n--limit shows more.')
    })
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

export function revokeAll(context: AccountsContext, texts: string[], options: ActOptions): Promise<void> {
  return end(context, texts, options, undefined)
}

export async function lock(context: AccountsContext, texts: string[], options: ActOptions): Promise<void> {
  await end(context, texts, options, parseOption('for', lockFor, options.for))
}

export async function unlock(
  context: AccountsContext,
  texts: readonly string[],
  options: Partial<ActOptions>,
): Promise<void> {
  await withAccounts(context, async (accounts) => {
    const why = options.reason === undefined ? null : parseOption('reason', reason, options.reason)
    const users = await findExactUsers(accounts, texts)
    const locked = users.flatMap((user) => (user.lock ? [{ ...user, lock: user.lock }] : []))
    const [only] = locked
    if (locked.length === 1 && only)
      await confirm(
        `Unlock sign-in of ${called(only)} ("${only.lock.reason}", until ${formatLock(only.lock)})?`,
        options.yes,
      )
    else if (locked.length > 1) {
      printToStderr(locked.map((user) => `  ${called(user)}, ${user.id}: ${user.lock.reason}`).join('\n'))
      await confirm(`Unlock sign-in of ${count(locked.length, 'user')}?`, options.yes)
    }
    const done = await forEachUser(users, async (user) => {
      const { operationId } = await accounts.unlock(user.id, why, cliActor())
      if (!options.json) print(`${called(user)} ${operationId ? 'may sign in again' : 'is not locked'}.`)
      return { userId: user.id, operationId }
    })
    if (options.json) printJson(done.results)
    done.throwIfFailed()
  })
}

/** @param lockSeconds undefined: no lock; null: until staff unlock it. */
async function end(
  context: AccountsContext,
  texts: readonly string[],
  options: ActOptions,
  lockSeconds: number | null | undefined,
): Promise<void> {
  const why = parseOption('reason', reason, options.reason)
  const { allowUnknownId, dryRun, json, yes } = options
  const lock =
    lockSeconds === undefined
      ? ''
      : ` and lock sign-in ${lockSeconds === null ? 'until staff unlock it' : `for ${options.for}`}`
  await withAccounts(context, async (accounts, places) => {
    const users = await findExactUsers(accounts, texts, { allowUnknownId })
    const found = await eachOf(users, ({ id }) => accounts.show(id, { allowUnknownId }))
    if (dryRun) return printDryRun(found, await places.finder(), lock, options)
    await confirm(endQuestion(found, lock), yes)
    const done = await forEachUser(users, async (user) => {
      const revoked = await accounts.revoke(user.id, { reason: why, lockSeconds, allowUnknownId }, cliActor())
      const { operationId, revokedCount, lock: held } = revoked
      if (!json) {
        if (!found.some((account) => account.user.id === user.id && account.isKnown))
          print(
            `No user here had the id "${visible(user.id)}". Its sessions from before are refused from now on.`,
          )
        print(`${count(revokedCount, 'session')} of ${called(user)} ended. Operation ${operationId}.`)
        if (held) print(`Sign-in is locked until ${formatLock(held)}.`)
      }
      return { userId: user.id, ...toRevoked(revoked) }
    })
    if (json) printJson(done.results)
    done.throwIfFailed()
  })
}

function printDryRun(found: Account[], placeOf: PlaceOf, lock: string, { json, wide }: ActOptions): void {
  const listed = found.map((account) => {
    const { sessions, sessionCount } = toAccount(account, placeOf)
    return { dryRun: true, userId: account.user.id, sessionCount, sessions }
  })
  if (json) printJson(oneOrAll(listed))
  else
    separately(found, (account) => {
      printSessions(account, placeOf, { wide })
      const what = account.isKnown
        ? 'ends all of them'
        : `refuses sessions from before of the id "${visible(account.user.id)}", which no user here has`
      print(`\nDry run: nothing was changed. Without --dry-run this ${what}${lock}.`)
    })
}

/** The question before sessions end. Of several users, prints each with the number of sessions. */
function endQuestion(found: Account[], lock: string): string {
  const [only, ...others] = found
  if (only && others.length === 0)
    return only.isKnown
      ? `End ${count(only.sessionCount, 'session')} of ${called(only.user)}${lock}?`
      : `No user here has the id "${only.user.id}". Refuse its sessions from before${lock}?`
  const line = ({ user, isKnown, sessionCount }: Account) =>
    `  ${called(user)}, ${user.id}: ${isKnown ? count(sessionCount, 'session') : 'no user here has this id'}`
  printToStderr(found.map(line).join('\n'))
  const total = found.reduce((sum, { sessionCount }) => sum + sessionCount, 0)
  return `End ${count(total, 'session')} of ${count(found.length, 'user')}${lock}?`
}
