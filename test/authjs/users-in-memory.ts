/** The users and accounts of an application, in memory. Its sessions are elsewhere. */
import type { Adapter, AdapterUser } from '@auth/core/adapters'

export function usersInMemory(...known: AdapterUser[]): Adapter {
  const users = new Map(known.map((user) => [user.id, user]))
  const accounts = new Map<string, string>()
  const none = () => {
    throw new Error('this adapter has no sessions')
  }
  return {
    async createUser(user) {
      users.set(user.id, user)
      return user
    },
    getUser: async (id) => users.get(id) ?? null,
    getUserByEmail: async (email) => [...users.values()].find((user) => user.email === email) ?? null,
    getUserByAccount: async ({ provider, providerAccountId }) =>
      users.get(accounts.get(`${provider} ${providerAccountId}`) ?? '') ?? null,
    async updateUser(user) {
      const updated = { ...users.get(user.id), ...user } as AdapterUser
      users.set(user.id, updated)
      return updated
    },
    async linkAccount({ provider, providerAccountId, userId }) {
      accounts.set(`${provider} ${providerAccountId}`, userId)
    },
    createSession: none,
    getSessionAndUser: none,
    updateSession: none,
    deleteSession: none,
  }
}
