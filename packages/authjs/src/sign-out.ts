/**
 * Ends the session of a token in whatever executor an application has: the sign-out of the Auth.js adapter. When it
 * returns, the session is durably over, at every instance, whatever defaults the application's connections have: under REPEATABLE READ
 * a touch at the same moment would make the sign-out fail, and Auth.js would clear the cookie all the same.
 */
import { sql } from 'drizzle-orm'
import { type Barrier, type Executor, hashToken, requireDurableCommit } from './service.ts'

/** Deletes the session, living or dead. A living one leaves an operation; a dead or unknown one was none to end. */
export async function endAsSignOut(
  db: Executor,
  token: string,
  barrier: Pick<Barrier, 'wait'>,
): Promise<void> {
  const xid = await db.transaction(
    async (tx) => {
      await requireDurableCommit(tx)
      return signOut(tx, token)
    },
    { isolationLevel: 'read committed' },
  )
  // drizzle reports a transaction as committed that another part of the application rolled back on the same connection.
  if (!(await isCommitted(db, xid))) throw new Error('the sign-out was not committed')
  // Its wait is not recorded: an application may not change the record, and on a single connection a statement that is refused
  // breaks whatever transaction is under way.
  await barrier.wait(xid)
}

/**
 * Signs out the session of a token, by the function of the database that records it: an application may do so, and may
 * neither delete sessions nor write the record itself.
 * @returns the id of the transaction.
 */
async function signOut(tx: Executor, token: string): Promise<string> {
  // By the query builder: what `execute` returns differs from driver to driver.
  const [done] = await tx
    .select({ xid: sql<string>`xid` })
    .from(sql`public.sign_out(${hashToken(token)}::text)`)
  if (!done) throw new Error('the sign-out returned no row')
  return done.xid
}

/** Whether a transaction is committed. */
async function isCommitted(db: Executor, xid: string): Promise<boolean> {
  const [row] = await db.select({ status: sql`pg_xact_status(${xid}::xid8)` }).from(sql`(select) as one_row`)
  return row?.status === 'committed'
}
