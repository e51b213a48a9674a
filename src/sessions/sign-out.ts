/**
 * Ends the session of a token in whatever executor an application has: the sign-out of the Auth.js adapter. When it
 * returns, the session is durably over, at every instance, whatever defaults the application's connections have: under REPEATABLE READ
 * a touch at the same moment would make the sign-out fail, and Auth.js would clear the cookie all the same.
 */
import type { Barrier } from '../propagation/barrier.ts'
import { demandDurableCommit, type Executor } from '../storage/database.ts'
import { isCommitted, signOut } from '../storage/sessions.ts'

/** Deletes the session, living or dead. A living one leaves an operation; a dead or unknown one was none to end. */
export async function endAsSignOut(
  db: Executor,
  token: string,
  barrier: Pick<Barrier, 'passed'>,
): Promise<void> {
  const xid = await db.transaction(
    async (tx) => {
      await demandDurableCommit(tx)
      return signOut(tx, token)
    },
    { isolationLevel: 'read committed' },
  )
  // drizzle reports a transaction as committed that another part of the application rolled back on the same connection.
  if (!(await isCommitted(db, xid))) throw new Error('the sign-out was not committed')
  // Its wait is not recorded: an application may not change the record, and on a single connection a statement that is refused
  // breaks whatever transaction is under way.
  await barrier.passed(xid)
}
