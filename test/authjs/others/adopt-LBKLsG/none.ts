import { createDatabaseSessions } from '@global-logout/postgres'

export const sessions = createDatabaseSessions({ connectionString: process.env.DATABASE_URL ?? '' })

/** After the password was right. */
export async function startSession(user: { id: string; name: string; email: string }) {
  const { token, expiresAt, cookie } = await sessions.create({ user })
  return { name: cookie.name, value: token, ...cookie.attributes, expires: expiresAt }
}

/** The user of a request, or null. Throws `UndecidedError`, which is a 503 and no sign-out. */
export const userOf = async (request: Request) => (await sessions.check(request))?.userId ?? null
