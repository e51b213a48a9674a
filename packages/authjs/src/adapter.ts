/**
 * Sessions of global-logout for any Auth.js adapter. Users and accounts stay where they are; the four session methods go to
 * `sessions`. So a sign-out in Auth.js is out everywhere, and a session that ends elsewhere is over in Auth.js.
 *
 *     import { withGlobalLogout } from '@global-logout/authjs'
 *     Auth({ adapter: withGlobalLogout(PrismaAdapter(prisma), sessions), session: { strategy: 'database' }, … })
 *
 * An adapter cannot prevent one thing: Auth.js clears its cookie even when `deleteSession` fails. Link to `/logout` of the
 * service where a sign-out must be durable before the user sees it.
 */
import type { Adapter, AdapterUser } from '@auth/core/adapters'
import { NotSignedOutError, type Sessions } from '@global-logout/client'

/** The device that signs in, as the application knows it. */
export interface Device {
  userAgent?: string | null
  ipAddress?: string | null
}

export interface GlobalLogoutOptions {
  /** Returns the device of the request that Auth.js is handling, for the user's list of devices. */
  device?: () => Device | Promise<Device>
}

/** Its methods throw what `sessions` and the adapter throw. Auth.js reports an error of a check as "no session". */
export function withGlobalLogout(
  adapter: Adapter,
  sessions: Sessions,
  { device }: GlobalLogoutOptions = {},
): Adapter {
  return {
    ...adapter,

    /** The token is not the one of Auth.js, a UUID, but 256 random bits. Auth.js sets the cookie to what is returned. */
    async createSession({ userId, expires }) {
      const user = await adapter.getUser?.(userId)
      if (!user) throw new Error(`there is no user ${JSON.stringify(userId)}`)
      const { name, email, image } = user
      const profile = { id: String(userId), name, email, image }
      const { token, expiresAt } = await sessions.create({ user: profile, ...(await device?.()) })
      return { sessionToken: token, userId, expires: expires < expiresAt ? expires : expiresAt }
    },

    async getSessionAndUser(sessionToken) {
      const identity = await sessions.check(bearer(sessionToken))
      const user = identity && (await adapter.getUser?.(identity.userId))
      if (!identity || !user) return null
      return {
        session: { sessionToken, userId: user.id, expires: identity.expiresAt },
        user: user as AdapterUser,
      }
    },

    /** A use extends a session by itself, up to the maximum age; Auth.js cannot extend it further. */
    async updateSession({ sessionToken, expires }) {
      const identity = await sessions.check(bearer(sessionToken))
      return identity && { sessionToken, userId: identity.userId, expires: expires ?? identity.expiresAt }
    },

    async deleteSession(sessionToken) {
      try {
        await sessions.logout(bearer(sessionToken), { scope: 'local' })
      } catch (error) {
        // Unknown, or over: nothing is left to end.
        if (!(error instanceof NotSignedOutError && error.code === 'invalid_token')) throw error
      }
    },

    async deleteUser(userId) {
      await sessions.removeUser(String(userId))
      await adapter.deleteUser?.(userId)
    },
  }
}

function bearer(token: string) {
  return { headers: { authorization: `Bearer ${token}` } }
}
