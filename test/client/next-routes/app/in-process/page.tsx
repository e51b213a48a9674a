/** A page that checks the session itself, in another component and through Auth.js. */
import { withGlobalLogout } from '@global-logout/authjs'
import { cookies } from 'next/headers'
import { asked, requireSession, session, sessions } from '../../in-process'

interface Held {
  session: { expires: Date }
  user: { id: string }
}
const users = {
  getUser: async (id: string) => ({ id }),
  getSessionAndUser: async (_token: string): Promise<Held | null> => null,
}

export default async function InProcess() {
  const before = asked.checks
  const { userId } = await requireSession({ callbackUrl: '/in-process' })
  const again = await session()
  const token = (await cookies()).get('authjs.session-token')?.value ?? ''
  const ofAuthjs = await withGlobalLogout(users, sessions()).getSessionAndUser(token)
  return (
    <p id="user" data-checks={asked.checks - before}>
      {again?.userId === userId && ofAuthjs?.user.id === userId ? userId : 'another'}
    </p>
  )
}
