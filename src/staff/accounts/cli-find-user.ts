/** Finds the user that a command names, by id, email or name. */
import type { CommandContext } from '../../cli/context.ts'
import { shortId, uuidsBeginning } from '../../cli/ids.ts'
import type { Places } from '../../sessions/places.ts'
import { type Accounts, type UnknownIds, unknownUser } from './accounts.ts'
import { called } from './cli-format.ts'
import { MAX_FOUND } from './find.ts'
import type { FoundUser } from './queries.ts'

export type AccountsContext = CommandContext<{ accounts: Accounts; places: Places }>

export function withAccounts<T>(
  context: AccountsContext,
  work: (accounts: Accounts, places: Places) => Promise<T>,
): Promise<T> {
  return context.withServices(({ accounts, places }) => work(accounts, places))
}

/**
 * Finds a user to look at, by id, email or a unique beginning of either or of the name.
 * @throws Error when no user or several match.
 */
export async function findOneUser(accounts: Accounts, text: string): Promise<FoundUser> {
  const named = await accounts.named(text)
  const found = named.length > 0 ? named : (await accounts.find(text)).users
  const [user, ...others] = found
  if (user && others.length === 0) return user
  throw notUnique(found, text, `"${text}" matches ${found.length} users; give an id`)
}

/**
 * Finds a user to act on, by exact id or email, or by the beginning of an id that is a UUID. Any other beginning is not enough: users
 * choose their names and emails, and another user's may begin alike.
 * @param options for commands that take an id that no user has here.
 * @throws Error that lists the users whose id, email or name begins with the text.
 */
export async function findExactUser(
  accounts: Accounts,
  text: string,
  options?: UnknownIds,
): Promise<FoundUser> {
  const [user, ...others] = await accounts.named(text)
  if (user && others.length === 0) return user
  if (!user && text && options?.allowUnknownId) return unknownUser(text)
  const { users: alike } = await accounts.find(text)
  const [short, ...more] = alike.filter(({ id }) => uuidsBeginning(text) && isShortOf(text, id))
  // Asked again: the search may have read a replica.
  if (!user && short && more.length === 0 && alike.length < MAX_FOUND)
    return findExactUser(accounts, short.id, options)
  const error = notUnique(alike, text, `"${text}" is not exactly the id or the email of one user; give an id`)
  if (!user && options) error.message += WAY_ON
  throw error
}

/** Users to act on, each once. @throws Error as `findExactUser` does: then none is to be acted on. */
export async function findExactUsers(
  accounts: Accounts,
  texts: readonly string[],
  options?: UnknownIds,
): Promise<FoundUser[]> {
  const users = new Map<string, FoundUser>()
  for (const text of texts) {
    const user = await findExactUser(accounts, text, options)
    users.set(user.id, user)
  }
  return [...users.values()]
}

const isShortOf = (text: string, id: string) =>
  shortId(id, false) !== id && id.toLowerCase().startsWith(text.toLowerCase())

const WAY_ON =
  '\nFor a user who has not come since the application adopted the service, give the id that the application has, with --allow-unknown-id.'

function notUnique(found: FoundUser[], text: string, otherwise: string): Error {
  if (found.length === 0) return new Error(`no user has an id, email or name that begins with "${text}".`)
  const names = found.slice(0, 5).map((each) => `  ${each.id}  ${called(each)}`)
  return new Error(`${otherwise}:\n${names.join('\n')}`)
}
