/**
 * Sessions of global-logout for any Auth.js adapter. Users and accounts stay where they are; the four session methods go to
 * `sessions`. So a sign-out in Auth.js is out everywhere, and a session that ends elsewhere is over in Auth.js.
 *
 *     import { withGlobalLogout } from '@global-logout/authjs'
 *     Auth({ adapter: withGlobalLogout(PrismaAdapter(prisma), sessions), session: { strategy: 'database' }, … })
 *
 * "Undecided" signs out no user: a method that gets no answer throws. Auth.js then shows no session and keeps the cookie.
 *
 * An adapter cannot prevent one thing: Auth.js clears its cookie even when `deleteSession` fails. Link to `/logout` of the
 * service where a sign-out must be durable before the user sees it.
 */
import type { CreatedSession, NewSession, Sessions } from '@global-logout/client'
import { profileOf } from './profile.ts'
import { createRecentUsers } from './recent-users.ts'
import { bearer, codeOf, endSession } from './session-token.ts'
import type { AnyAdapter, AnyUser, Device } from './types.ts'

export interface GlobalLogoutOptions {
  /** Returns the device of the request that Auth.js is handling, for the user's list of devices. */
  device?: (() => Device | Promise<Device>) | undefined
  /**
   * Whether sessions that the adapter still holds are taken over at their first use; true by default. Set it to false where there
   * are none, for example because the adapter has no table for sessions.
   */
  takeOver?: boolean | undefined
  /**
   * Reads a user's id, which `sessions` holds as text, as the adapter takes it: `Number` for an adapter that refuses text. By
   * default it gets the text.
   */
  readUserId?: ((text: string) => unknown) | undefined
  /**
   * For how many seconds the adapter's answer about a user may be used again, with all columns; 0 by default, which reads the user at
   * each use. The session is checked at each use in any case. A change through this adapter counts at once; one made elsewhere is seen
   * when the time is over.
   */
  userMaxAge?: number | undefined
}

/**
 * The adapter with other session methods. They throw what `sessions` and the adapter throw.
 * @throws TypeError for an adapter without `getUser`, and for an invalid `userMaxAge`.
 */
export function withGlobalLogout<A extends AnyAdapter>(
  adapter: A,
  sessions: Sessions,
  {
    device,
    takeOver: takesOver = true,
    readUserId = (text) => text,
    userMaxAge = 0,
  }: GlobalLogoutOptions = {},
): A {
  if (typeof adapter.getUser !== 'function') throw new TypeError('adapter: needs the method getUser')
  const users = createRecentUsers<AnyUser>(userMaxAge)
  const isHeld = async (token: string) => Boolean(await adapter.getSessionAndUser?.(token))

  const methods = {
    /** The token is not the one of Auth.js, a UUID, but 256 random bits. Auth.js sets the cookie to what is returned. */
    async createSession({ userId, expires }: { userId: string; expires: Date }) {
      const user = await adapter.getUser?.(userId)
      if (!user) throw noUser(userId)
      const { token, expiresAt } = await create({ user: profileOf(String(user.id), user) })
      // Deleted in between: the deletion ended the sessions of the user before there was this one.
      if (!(await adapter.getUser?.(userId))) {
        await end(token)
        throw noUser(userId)
      }
      return { sessionToken: token, userId, expires: expires < expiresAt ? expires : expiresAt }
    },

    async getSessionAndUser(sessionToken: string) {
      const identity = (await check(sessionToken)) ?? (takesOver ? await checkTakenOver(sessionToken) : null)
      if (!identity) return null
      const user = await users.get(identity.userId, async () =>
        adapter.getUser?.(readUserId(identity.userId) as string),
      )
      // Not null, on which Auth.js clears the cookie: some adapters answer null in an outage, too.
      if (!user) throw noUser(identity.userId)
      if (String(user.id) !== identity.userId)
        throw new Error(`the adapter has the user ${user.id} for ${JSON.stringify(identity.userId)}`)
      return { session: { sessionToken, userId: user.id, expires: identity.expiresAt }, user }
    },

    /** Nothing: the check of this request has extended the session, up to its limits. Auth.js ignores what is returned. */
    async updateSession() {
      return null
    },

    async deleteSession(sessionToken: string) {
      const wasKnown = await end(sessionToken)
      if (!takesOver) return
      // Ending it in the adapter alone would not do: another request may be taking it over. So it is taken over, and ended.
      if (!wasKnown) {
        await takeOver(sessionToken)
        await end(sessionToken)
      } else if (await isHeld(sessionToken)) await forget(sessionToken)
    },

    /** Ends the sessions before, so that none outlives its user, and again: a sign-in may have come in between. */
    async deleteUser(userId: string) {
      await sessions.removeUser(String(userId))
      const deleted = await users.change(String(userId), async () => adapter.deleteUser?.(userId))
      await sessions.removeUser(String(userId))
      return deleted
    },
  }

  const check = (token: string) => sessions.check(bearer(token))
  const end = (token: string) => endSession(sessions, token)

  /** Checks again in any case: another request may have taken the session over meanwhile, and the adapter forgot it. */
  async function checkTakenOver(token: string) {
    await takeOver(token)
    return check(token)
  }

  /** Gives `sessions` what the adapter holds of a token. Then the adapter forgets it, also where the session is over. */
  async function takeOver(token: string): Promise<void> {
    const held = await adapter.getSessionAndUser?.(token)
    if (!held) return
    const taken = { token, expires: held.session.expires }
    await create({ user: profileOf(String(held.user.id), held.user), takeOver: taken }).catch((error) => {
      if (codeOf(error) !== 'session_over') throw error
    })
    await forget(token)
  }

  /** A user whose address cannot be read is signed in without it. */
  async function create(session: NewSession): Promise<CreatedSession> {
    const from = await device?.()
    try {
      return await sessions.create({ ...session, ...from })
    } catch (error) {
      if (codeOf(error) !== 'invalid_request' || !from?.ipAddress) throw error
      return await sessions.create({ ...session, ...from, ipAddress: null })
    }
  }

  async function forget(token: string): Promise<void> {
    try {
      await adapter.deleteSession?.(token)
    } catch (error) {
      // Some adapters refuse to delete what another request has deleted.
      if (await isHeld(token)) throw error
    }
  }

  const updates = adapter.updateUser && {
    updateUser: (user: { id: string }) =>
      users.change(String(user.id), async () => adapter.updateUser?.(user)),
  }
  return { ...adapter, ...updates, ...methods } as unknown as A
}

function noUser(id: unknown): Error {
  return new Error(`there is no user ${JSON.stringify(id)}`)
}
