/**
 * Users as the adapter answered not long ago, for sessions that need no query either. Says nothing about sessions: each use checks its
 * session before.
 */

/** Most users that are kept; the one read first goes first. */
const MOST_USERS = 10_000

interface Recent<User> {
  user: User
  /** On the monotonic clock, in milliseconds. */
  until: number
}

/** @param maxAgeS for how long a user is kept, in seconds; 0 for not at all. @throws TypeError */
export function createRecentUsers<User extends object>(maxAgeS: number, clock = () => performance.now()) {
  if (typeof maxAgeS !== 'number' || !(maxAgeS >= 0))
    throw new TypeError('userMaxAge: must be a number of seconds')
  const recent = new Map<string, Recent<User>>()
  /** Changes that were made here. What was read before one of them is not kept. */
  let changes = 0

  return {
    /** A copy of the user, as `read` answers now or answered at most `maxAgeS` ago. What is no user is not kept. */
    async get(id: string, read: () => Promise<User | null | undefined>): Promise<User | null | undefined> {
      const before = recent.get(id)
      if (before && clock() < before.until) return { ...before.user }
      const [sentAt, changesBefore] = [clock(), changes]
      const user = await read()
      if (!user || maxAgeS === 0 || changes !== changesBefore) return user
      recent.delete(id)
      const [oldest] = recent.keys()
      if (oldest !== undefined && recent.size >= MOST_USERS) recent.delete(oldest)
      recent.set(id, { user: { ...user }, until: sentAt + maxAgeS * 1000 })
      return user
    },

    /** Runs a change of a user. The next `get` reads, also when the change failed: it may have happened. */
    async change<T>(id: string, work: () => Promise<T>): Promise<T> {
      try {
        return await work()
      } finally {
        changes++
        recent.delete(id)
      }
    },
  }
}
