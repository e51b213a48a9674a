/**
 * Which drizzle databases can keep the adapter's promise: those on PostgreSQL with interactive transactions. The others
 * are refused when the adapter is made, because Auth.js reports a sign-out that throws as done.
 */
import { entityKind, is } from 'drizzle-orm'
import { PgDatabase } from 'drizzle-orm/pg-core'
import type { Executor } from './service.ts'

const USE =
  'Use drizzle-orm/node-postgres, drizzle-orm/postgres-js, drizzle-orm/pglite or drizzle-orm/neon-serverless.'

/**
 * The database to work on: the primary where there are replicas, which may not know of a logout yet.
 * @throws Error naming the driver when it is not for PostgreSQL or has no transactions.
 */
export function usableDatabase(given: Executor & { $primary?: Executor }): Executor {
  const db = given.$primary ?? given
  const driver = String((db.constructor as { [entityKind]?: string })[entityKind] ?? db.constructor.name)
  if (!is(db, PgDatabase)) throw new Error(`GlobalLogoutAdapter needs PostgreSQL, not ${driver}. ${USE}`)
  if (!hasTransactions(db._.session))
    throw new Error(
      `GlobalLogoutAdapter needs transactions, which drizzle's ${driver} does not have: it would lose sign-outs. ${USE}`,
    )
  return isOneConnection(db) ? withTransactionsInTurn(db) : db
}

/**
 * Every drizzle session has a method `transaction`. That of a driver without transactions (neon-http, pg-proxy, xata-http,
 * prisma) only throws, and reads nothing of its session; any other has to read the client. Nothing is sent to find out.
 */
function hasTransactions(session: object): boolean {
  let reads = false
  const probe = new Proxy(session, {
    get(target, name, receiver) {
      if (!Object.hasOwn(target, name)) return Reflect.get(target, name, receiver)
      reads = true
      throw new Error('only asked')
    },
  })
  // The class's own method, whatever an instrumentation has put over it.
  const { transaction } = Object.getPrototypeOf(session) as {
    transaction(work: () => Promise<void>): unknown
  }
  try {
    Promise.resolve(transaction.call(probe, async () => {})).catch(() => {})
  } catch {}
  return reads
}

/** A client that is no pool. Pools have a count of their connections (pg, Neon), or begin transactions themselves (postgres-js, Bun). */
function isOneConnection(db: Executor): boolean {
  const client = Object((db as { $client?: unknown }).$client)
  return !('totalCount' in client || 'begin' in client)
}

/** On one connection two transactions at once would be one: each waits for the one before. */
function withTransactionsInTurn(db: Executor): Executor {
  let last: Promise<unknown> = Promise.resolve()
  const transaction: Executor['transaction'] = (work, config) => {
    const turn = last.then(() => db.transaction(work, config))
    last = turn.catch(() => {})
    return turn
  }
  return Object.create(db, { transaction: { value: transaction } })
}
