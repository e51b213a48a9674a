/** Ends the session of a token in whatever executor an application has: the sign-out of the Auth.js adapter. */
import type { Executor } from '../storage/database.ts'
import { beginOperation, recordOperation } from '../storage/operations.ts'
import { deleteSessions, sessions } from '../storage/sessions.ts'

/** Deletes the session, living or dead. A living one leaves an operation; a dead or unknown one was none to end. */
export function endAsSignOut(db: Executor, token: string): Promise<void> {
  return db.transaction(async (tx) => {
    const id = await beginOperation(tx)
    const [ended] = await deleteSessions(tx, sessions.withToken(token))
    if (!ended) return
    const { userId, id: actorSessionId } = ended
    await recordOperation(tx, id, 1, {
      kind: 'authjs.signout',
      scope: 'local',
      actorKind: 'user',
      actorId: userId,
      actorSessionId,
      userId,
    })
  })
}
