/**
 * A connection through the application's own drizzle database. Accepts only drivers for PostgreSQL with interactive transactions;
 * all others are refused when the sessions are made, because their sign-outs would be lost.
 *
 * Nothing of drizzle is imported before the first statement: an application that gives a pool has no drizzle.
 */
import type { Ask, Connection, DrizzleDatabase } from './connection.ts'
import { MissingPackage } from './pg.ts'

const ENTITY_KIND = Symbol.for('drizzle:entityKind')
const USE =
  'Use drizzle-orm/node-postgres, drizzle-orm/postgres-js, drizzle-orm/pglite or drizzle-orm/neon-serverless.'

/** @throws TypeError naming the driver when it is not for PostgreSQL or has no transactions. */
export function onDrizzle(given: DrizzleDatabase & { $primary?: DrizzleDatabase }): Connection {
  // With replicas the primary, because a replica may not have a logout yet.
  const db = given.$primary ?? given
  const driver = kindsOf(db)[0] ?? 'this driver'
  if (!kindsOf(db).includes('PgDatabase'))
    throw new TypeError(`db: must be a drizzle database on PostgreSQL, not ${driver}. ${USE}`)
  if (!hasTransactions(db._.session))
    throw new TypeError(
      `db: needs transactions, which drizzle's ${driver} does not have: sign-outs would be lost. ${USE}`,
    )
  const askOn =
    (on: Pick<DrizzleDatabase, 'execute'>): Ask =>
    async (text, values) => {
      const { sql } = await drizzle()
      // `$1 … $2` in order, each once.
      const parts = text.split(/\$\d+/).map((part) => sql.raw(part))
      const query = sql.join(parts.flatMap((part, i) => (i === 0 ? [part] : [sql`${values[i - 1]}`, part])))
      const result = (await on.execute(query)) as unknown as object[] | { rows: object[] }
      // An array with postgres-js and Bun, `{ rows }` with all others.
      const rows = Array.isArray(result) ? result : result.rows
      // Not by its name: postgres-js may be told to rename columns.
      return rows.map((row) => JSON.parse(Object.values(row)[0]))
    }

  const ask = askOn(db)
  const transaction: Connection['transaction'] = (work) =>
    db.transaction((tx) => work(askOn(tx)), { isolationLevel: 'read committed' })
  const rest = { shared: true, close: async () => {} }
  if (!isOneConnection(db)) return { ...rest, ask, transaction }
  const inTurn = queue()
  return {
    ...rest,
    // A check in the transaction of another act would see what may yet be rolled back.
    ask: (text, values) => inTurn(() => ask(text, values)),
    transaction: (work) => inTurn(() => transaction(work)),
  }
}

/** In a `try`, because bundlers then accept that it is missing. */
async function drizzle(): Promise<typeof import('drizzle-orm')> {
  try {
    return await import('drizzle-orm')
  } catch (cause) {
    throw new MissingPackage('Install "drizzle-orm", which db needs.', { cause })
  }
}

/** @returns a function that begins each work after the one before has ended. */
function queue() {
  let previous: Promise<unknown> = Promise.resolve()
  return <T>(work: () => Promise<T>): Promise<T> => {
    const current = previous.then(work)
    previous = current.catch(() => {})
    return current
  }
}

/** The kinds of a drizzle object, the most special first. Works across copies of drizzle, as its `is()` does. */
function kindsOf(entity: object): string[] {
  const kinds: string[] = []
  for (let each = entity.constructor; each; each = Object.getPrototypeOf(each)) {
    if (Object.hasOwn(each, ENTITY_KIND))
      kinds.push(String((each as { [ENTITY_KIND]?: string })[ENTITY_KIND]))
  }
  return kinds
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

/**
 * Whether the client is a single connection, where simultaneous transactions would merge into one. Pools have `totalCount` (pg,
 * Neon) or `begin` (postgres-js, Bun).
 */
function isOneConnection(db: object): boolean {
  const client = Object((db as { $client?: unknown }).$client)
  return !('totalCount' in client || 'begin' in client)
}
