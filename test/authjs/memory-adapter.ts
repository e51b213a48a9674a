/**
 * An adapter without a database: Auth.js's users, accounts and sessions in memory, with numeric ids on
 * request.
 */
import type { Adapter, AdapterSession, AdapterUser, VerificationToken } from '@auth/core/adapters'

export interface MemoryOptions {
  /** The application's own columns, which each new user gets. */
  columns?: Record<string, unknown>
  newId?: () => unknown
}

export type MemoryAdapter = Required<
  Pick<
    Adapter,
    | 'createUser'
    | 'getUser'
    | 'getUserByEmail'
    | 'getUserByAccount'
    | 'updateUser'
    | 'deleteUser'
    | 'linkAccount'
    | 'unlinkAccount'
    | 'createSession'
    | 'getSessionAndUser'
    | 'updateSession'
    | 'deleteSession'
    | 'createVerificationToken'
    | 'useVerificationToken'
  >
>

export function memoryAdapter({ columns = {}, newId = () => crypto.randomUUID() }: MemoryOptions = {}) {
  const users = new Map<unknown, AdapterUser>()
  const accounts = new Map<string, { userId: unknown }>()
  const sessions = new Map<string, AdapterSession>()
  const tokens = new Map<string, VerificationToken>()
  const nameOf = (account: { provider: string; providerAccountId: string }) =>
    `${account.provider} ${account.providerAccountId}`
  const byEmail = (email: string) => [...users.values()].find((user) => user.email === email)

  const adapter: MemoryAdapter = {
    async createUser({ id: _, ...user }) {
      if (byEmail(user.email)) throw new Error('this address has a user')
      const created = { name: null, image: null, ...columns, ...user, id: newId() } as AdapterUser
      users.set(created.id, created)
      return { ...created }
    },
    async getUser(id) {
      const user = users.get(id)
      return user ? { ...user } : null
    },
    getUserByEmail: async (email) => byEmail(email) ?? null,
    getUserByAccount: async (account) => users.get(accounts.get(nameOf(account))?.userId) ?? null,
    async updateUser(user) {
      const before = users.get(user.id)
      if (!before) throw new Error('No user found.')
      users.set(user.id, { ...before, ...user } as AdapterUser)
      return users.get(user.id) as AdapterUser
    },
    async deleteUser(id) {
      users.delete(id)
      for (const [name, { userId }] of accounts) if (userId === id) accounts.delete(name)
      for (const [token, { userId }] of sessions) if (userId === id) sessions.delete(token)
    },
    async linkAccount(account) {
      if (accounts.has(nameOf(account))) throw new Error('this account has a user')
      accounts.set(nameOf(account), account)
    },
    unlinkAccount: async (account) => void accounts.delete(nameOf(account)),
    async createSession(session) {
      if (!users.has(session.userId)) throw new Error('no such user')
      sessions.set(session.sessionToken, session)
      return session
    },
    async getSessionAndUser(token) {
      const session = sessions.get(token)
      const user = session && users.get(session.userId)
      return user ? { session, user: { ...user } } : null
    },
    async updateSession(session) {
      const before = sessions.get(session.sessionToken)
      if (!before) return null
      sessions.set(session.sessionToken, { ...before, ...session })
      return sessions.get(session.sessionToken) as AdapterSession
    },
    async deleteSession(token) {
      // As Prisma's does.
      if (!sessions.delete(token)) throw new Error('there is no such session')
    },
    async createVerificationToken(token) {
      tokens.set(`${token.identifier} ${token.token}`, token)
      return token
    },
    async useVerificationToken({ identifier, token }) {
      const found = tokens.get(`${identifier} ${token}`) ?? null
      tokens.delete(`${identifier} ${token}`)
      return found
    },
  }
  return { adapter, sessions, users }
}
