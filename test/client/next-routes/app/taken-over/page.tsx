/** A page whose layout checks the session before Auth.js takes over a session from before the adoption. */
import { withGlobalLogout } from '@global-logout/authjs'
import { cookies } from 'next/headers'
import { session, sessions } from '../../in-process'

const held = { session: { expires: new Date(Date.now() + 86_400_000) }, user: { id: 'katherine' } }
const users = {
  getUser: async (id: string) => ({ id }),
  getSessionAndUser: async (_token: string) => held,
  deleteSession: async (_token: string) => {},
}

export default async function TakenOver() {
  const before = await session()
  const token = (await cookies()).get('authjs.session-token')?.value ?? ''
  const found = await withGlobalLogout(users, sessions()).getSessionAndUser(token)
  return <p id="user">{before ? 'known' : (found?.user.id ?? 'signed out')}</p>
}
