/** What the commands for security staff share: whom they mean, and why. They talk to the database directly. */
import type { z } from 'zod'
import { createBarrier } from '../propagation/barrier.ts'
import { type Accounts, createAccounts } from '../security/accounts.ts'
import type { Database } from '../storage/database.ts'
import { barrierStore } from '../storage/instances.ts'
import type { FoundUser } from '../storage/users.ts'
import { UsageError, withDatabase } from './common.ts'
import { called } from './show.ts'

export function withAccounts<T>(
  env: NodeJS.ProcessEnv,
  work: (accounts: Accounts, database: Database) => Promise<T>,
): Promise<T> {
  return withDatabase(env, (database) =>
    work(createAccounts(database, createBarrier(barrierStore(database.run))), database),
  )
}

/**
 * The user whom an id, an email or the beginning of one names, if there is just one.
 * @throws Error when nobody is, or when several may be meant: nobody is signed out by mistake.
 */
export async function theUser(accounts: Accounts, text: string): Promise<FoundUser> {
  const found = await accounts.find(text)
  const exact = found.filter(({ id, email }) => id === text || email?.toLowerCase() === text.toLowerCase())
  const [user, ...others] = exact.length > 0 ? exact : found
  if (!user) throw new Error(`there is no user whose id, email or name begins with "${text}".`)
  if (others.length === 0) return user
  const names = [user, ...others].slice(0, 5).map((each) => `  ${each.id}  ${called(each)}`)
  throw new Error(`"${text}" may mean ${others.length + 1} users; give an id:\n${names.join('\n')}`)
}

/** What an option says, by the schema that the API has for it. @throws UsageError naming the option. */
export function option<T>(name: string, schema: z.ZodType<T>, value: unknown): T {
  const parsed = schema.safeParse(value)
  if (parsed.success) return parsed.data
  throw new UsageError(`--${name}: ${parsed.error.issues[0]?.message}.`)
}
