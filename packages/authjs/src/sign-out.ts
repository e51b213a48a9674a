/**
 * The sign-out of the Auth.js adapter. When it returns, the session is durably ended on every instance, whatever the defaults
 * of the application's connection. It sets READ COMMITTED: under REPEATABLE READ a simultaneous activity update would make it
 * fail, and Auth.js would clear the cookie anyway.
 */
import { sql } from 'drizzle-orm'
import { type Barrier, type Executor, hashToken, requireDurableCommit } from './service.ts'

/** Deletes the session of a token. Records an operation only if the session was active. */
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
  // Another part of the application may have rolled back on the same connection; drizzle would not notice.
  if (!(await isCommitted(db, xid))) throw new Error('the sign-out was not committed')
  // The wait is not recorded: the application's role may not write the audit log, and on a single connection a refused
  // statement would abort a transaction in progress.
  await barrier.wait(xid)
}

/**
 * Ends and records the session by the database function `sign_out`. The application's role may call it, but may neither
 * delete sessions nor write the audit log itself.
 * @returns the id of the transaction.
 */
async function signOut(tx: Executor, token: string): Promise<string> {
  // With the query builder, because the result of `execute` differs between drivers.
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
