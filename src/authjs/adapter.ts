/**
 * An Auth.js adapter over the tables of this service: `DrizzleAdapter` for everything, with tokens hashed on the
 * way in. Raw tokens never reach the database; what Auth.js signs out is out at `/check` too; what is over is
 * never revived by Auth.js's sliding update.
 *
 *     import { GlobalLogoutAdapter, generateSessionToken } from 'global-logout/adapter'
 *     Auth({ adapter: GlobalLogoutAdapter(db), session: { strategy: 'database', generateSessionToken }, … })
 */
import type { Adapter, AdapterSession, AdapterUser } from '@auth/core/adapters'
import { DrizzleAdapter } from '@auth/drizzle-adapter'
import { and, eq } from 'drizzle-orm'
import { endAsSignOut } from '../sessions/sign-out.ts'
import type { Executor } from '../storage/database.ts'
import { isValid } from '../storage/policy.ts'
import { account, session, user, verificationToken } from '../storage/schema.ts'
import { checkToken, touchSessions } from '../storage/sessions.ts'

export { generateSessionToken } from '../sessions/tokens.ts'

export interface GlobalLogoutAdapterOptions {
  /** The device of the request that Auth.js is handling, so that people recognise it in their list of devices. */
  device?: () => { userAgent?: string | null; ipAddress?: string | null }
}

/** The columns that Auth.js knows; ours stay out of its sight. */
const authColumns = { sessionToken: session.sessionToken, userId: session.userId, expires: session.expires }

/**
 * @param db a drizzle database on PostgreSQL that can run transactions, migrated by `global-logout migrate`.
 * @throws whatever the driver throws: Auth.js reports a database error as "no session".
 */
export function GlobalLogoutAdapter(db: Executor, { device }: GlobalLogoutAdapterOptions = {}): Adapter {
  const stock = DrizzleAdapter(db, {
    usersTable: user,
    accountsTable: account,
    // The column type that hashes is a text column to PostgreSQL; the stock types know PgText by name only.
    sessionsTable: session as never,
    verificationTokensTable: verificationToken,
  })
  /** Auth.js puts into the cookie what it gets back: the raw token, never the hash. */
  const withRawToken = (row: AdapterSession | undefined, sessionToken: string) =>
    row && { ...row, sessionToken }

  return {
    ...stock,

    async createSession(data) {
      const { userAgent = null, ipAddress = null } = device?.() ?? {}
      const { sessionToken, userId, expires } = data
      const [row] = await db
        .insert(session)
        .values({ sessionToken, userId, expires, userAgent, ipAddress })
        .returning(authColumns)
      return withRawToken(row, sessionToken) as AdapterSession
    },

    /** Null for every session that is over, also by the idle timeout and the maximum age, which Auth.js does not know. */
    async getSessionAndUser(sessionToken) {
      const [found] = await db
        .select({ session: authColumns, user })
        .from(session)
        .innerJoin(user, eq(user.id, session.userId))
        .where(and(eq(session.sessionToken, sessionToken), isValid))
      if (!found) return null
      await touch(db, sessionToken)
      return { session: { ...found.session, sessionToken }, user: found.user as AdapterUser }
    },

    /** Moves `expires` of a living session; a dead one is not found. */
    async updateSession({ sessionToken, expires, userId }) {
      const changes = { ...(expires && { expires }), ...(userId && { userId }) }
      if (Object.keys(changes).length === 0)
        return withRawToken(await findRow(db, sessionToken), sessionToken)
      const [row] = await db
        .update(session)
        .set(changes)
        .where(and(eq(session.sessionToken, sessionToken), isValid))
        .returning(authColumns)
      return withRawToken(row, sessionToken)
    },

    deleteSession: (sessionToken) => endAsSignOut(db, sessionToken),
  }
}

async function findRow(db: Executor, token: string): Promise<AdapterSession | undefined> {
  const rows = await db
    .select(authColumns)
    .from(session)
    .where(and(eq(session.sessionToken, token), isValid))
  return rows[0]
}

/** Records use at most once a minute; a use that could not be recorded is no reason to refuse it. */
async function touch(db: Executor, token: string): Promise<void> {
  try {
    const found = await checkToken(db, token)
    if (found?.stale) await touchSessions(db, [found.sessionId])
  } catch {}
}
