/** `global-logout revoke --session`: ends single sessions, by id. */
import { cliActor, confirm, parseOption, UsageError } from '../../cli/common.ts'
import { print, printJson } from '../../cli/print.ts'
import { sessionId } from '../../http/schemas.ts'
import { count } from '../../ui/format.ts'
import { reason } from '../reason.ts'
import type { RevokedSessions } from './chosen-sessions.ts'
import type { RevokeOptions } from './cli-actions.ts'
import { type AccountsContext, findExactUser, withAccounts } from './cli-find-user.ts'
import { called, printSessions } from './cli-format.ts'
import { toRevokedSessions } from './json.ts'

/** @param texts name the user, or none: then sessions of any user are ended. */
export async function revokeSessions(
  context: AccountsContext,
  texts: readonly string[],
  { session = [], reason: given, allowUnknownId, dryRun, yes, json, wide }: RevokeOptions,
): Promise<void> {
  const why = parseOption('reason', reason, given)
  const ids = [...new Set(session.map((id) => parseOption('session', sessionId, id)))]
  if (allowUnknownId) throw new UsageError('--allow-unknown-id: a session is of a user who is known.')
  await withAccounts(context, async (accounts, places) => {
    const [text, ...more] = texts
    if (more.length > 0) throw new UsageError('--session: name one user, or none.')
    const user = text === undefined ? null : await findExactUser(accounts, text)
    const whose = user ? ` of ${called(user)}` : ''
    if (dryRun) {
      if (!user) throw new UsageError('--dry-run: name the user, too.')
      const sessions = await accounts.chosen(user.id, ids)
      if (json) return printJson({ dryRun: true, userId: user.id, sessionIds: sessions.map(({ id }) => id) })
      printSessions({ user, sessions, sessionCount: sessions.length }, await places.finder(), { wide })
      return print('\nDry run: nothing was changed. Without --dry-run this ends them.')
    }
    await confirm(`End ${count(ids.length, 'session')}${whose}?`, yes)
    const done: RevokedSessions[] = []
    if (user) done.push(await accounts.revokeSessions(user.id, ids, why, cliActor()))
    else for (const id of ids) done.push(await accounts.revokeSession(id, why, cliActor()))
    if (json) return printJson(done.map(toRevokedSessions))
    for (const { userId, operationId, revokedCount } of done)
      print(
        operationId
          ? `${count(revokedCount, 'session')} of ${userId} ended. Operation ${operationId}.`
          : `No active session of ${userId} is left to end.`,
      )
  })
}
