import { logout, requireSession } from '@global-logout/client/next'
import { LeaveOnSignOut, LogoutButton } from '@global-logout/client/next/client'
import { auth } from '@/auth'

export default async function Account() {
  const { userId } = await requireSession()
  const authjs = await auth()
  return (
    <main>
      <LeaveOnSignOut />
      <h1>{authjs?.user?.name ?? 'Your account'}</h1>
      <p id="user">{userId}</p>
      <a href="/devices">Your devices</a>
      <LogoutButton>Sign out</LogoutButton>
      <form action={logout.bind(null, 'global')}>
        <button type="submit">Sign out everywhere</button>
      </form>
    </main>
  )
}
