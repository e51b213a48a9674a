/** Transactions on a given connection, READ COMMITTED and durable. */
import { unavailable } from '../errors.ts'
import { type Executor, requireDurableCommit } from './executor.ts'

interface TransactionSteps {
  begin?: () => Promise<unknown>
  /** Called before and after the COMMIT. */
  committing?: (now: boolean) => void
}

/** One transaction, as `transaction` runs it, on a given connection. */
export async function inTransaction<T, Tx extends Executor>(
  db: Tx,
  work: (tx: Tx) => Promise<T>,
  { begin = () => beginDurable(db), committing = () => {} }: TransactionSteps = {},
): Promise<T> {
  let result: T
  try {
    await begin()
    result = await work(db)
  } catch (error) {
    // `run` closes a connection that cannot roll back; then PostgreSQL rolls back.
    await db.execute('rollback').catch(() => {})
    throw error
  }
  committing(true)
  const { command } = (await db.execute('commit')) as unknown as { command: string }
  committing(false)
  if (command !== 'COMMIT') throw unavailable(new Error('the transaction was rolled back'))
  return result
}

async function beginDurable(db: Executor): Promise<void> {
  await db.execute('begin isolation level read committed')
  await requireDurableCommit(db)
}
