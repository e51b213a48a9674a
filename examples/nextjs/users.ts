/**
 * Users and accounts, which stay the application's: in memory here, with Drizzle, Prisma or another adapter
 * in your application.
 */
import type { Adapter, AdapterAccount, AdapterUser } from 'next-auth/adapters'

// Next loads this module once for each kind of route.
const store = globalThis as typeof globalThis & {
  exampleUsers?: Map<string, AdapterUser>
  exampleAccounts?: Map<string, AdapterAccount>
}
store.exampleUsers ??= new Map()
store.exampleAccounts ??= new Map()
const { exampleUsers: all, exampleAccounts: accounts } = store

const keyOf = ({ provider, providerAccountId }: Pick<AdapterAccount, 'provider' | 'providerAccountId'>) =>
  `${provider} ${providerAccountId}`

export const users: Adapter = {
  async createUser(user) {
    const made = { ...user, id: crypto.randomUUID() }
    all.set(made.id, made)
    return made
  },
  getUser: async (id) => all.get(id) ?? null,
  getUserByEmail: async (email) => [...all.values()].find((user) => user.email === email) ?? null,
  getUserByAccount: async (account) => all.get(accounts.get(keyOf(account))?.userId ?? '') ?? null,
  async updateUser(changes) {
    const user = { ...(all.get(changes.id) as AdapterUser), ...changes }
    all.set(user.id, user)
    return user
  },
  linkAccount: async (account) => void accounts.set(keyOf(account), account),
}
