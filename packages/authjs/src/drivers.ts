/**
 * Accepts only drizzle databases on PostgreSQL with interactive transactions. All others are refused when the adapter is
 * created, because Auth.js reports a sign-out as done even if it throws.
 */
import { entityKind, is } from 'drizzle-orm'
import { PgDatabase } from 'drizzle-orm/pg-core'
import type { Executor } from './service.ts'

const USE =
  'Use drizzle-orm/node-postgres, drizzle-orm/postgres-js, drizzle-orm/pglite or drizzle-orm/neon-serverless.'

/**
 * The database to use. With replicas it is the primary, because a replica may not have a logout yet.
 * @throws Error naming the driver when it is not for PostgreSQL or has no transactions.
 */
export function usableDatabase(given: Executor & { $primary?: Executor }): Executor {
  const db = given.$primary ?? given
  const driver = String((db.constructor as { [entityKind]?: string })[entityKind] ?? db.constructor.name)
  if (!is(db, PgDatabase)) throw new Error(`GlobalLogoutAdapter needs PostgreSQL, not ${driver}. ${USE}`)
  if (!hasTransactions(db._.session))
    throw new Error(
      `GlobalLogoutAdapter needs transactions, which drizzle's ${driver} does not have: sign-outs would be lost. ${USE}`,
    )
  return isOneConnection(db) ? serializeTransactions(db) : db
}

/**
 * Whether the driver has transactions; sends nothing to the database. Every drizzle session has a method `transaction`. In a
 * driver without transactions (neon-http, pg-proxy, xata-http, prisma) it throws without reading a property of the session.
 * In any other driver it must read the client.
 */
function hasTransactions(session: object): boolean {
  let reads = false
  const probe = new Proxy(session, {
    get(target, name, receiver) {
      if (!Object.hasOwn(target, name)) return Reflect.get(target, name, receiver)
      reads = true
      throw new Error('probe only')
    },
  })
  // The method of the class, in case instrumentation wrapped that of the instance.
  const { transaction } = Object.getPrototypeOf(session) as {
    transaction(work: () => Promise<void>): unknown
  }
  try {
    Promise.resolve(transaction.call(probe, async () => {})).catch(() => {})
  } catch {}
  return reads
}

/** Whether the client is a single connection. Pools have `totalCount` (pg, Neon) or `begin` (postgres-js, Bun). */
function isOneConnection(db: Executor): boolean {
  const client = Object((db as { $client?: unknown }).$client)
  return !('totalCount' in client || 'begin' in client)
}

/** Runs transactions one after another: on one connection, simultaneous transactions would merge into one. */
function serializeTransactions(db: Executor): Executor {
  let previous: Promise<unknown> = Promise.resolve()
  const transaction: Executor['transaction'] = (work, config) => {
    const current = previous.then(() => db.transaction(work, config))
    previous = current.catch(() => {})
    return current
  }
  return Object.create(db, { transaction: { value: transaction } })
}
