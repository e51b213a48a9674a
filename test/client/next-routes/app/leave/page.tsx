/** Signs out this browser, on a page that is not guarded. */
import { logout } from '@global-logout/client/next'

export default async function Leave({ searchParams }: { searchParams: Promise<{ to?: string }> }) {
  return (
    <form action={logout.bind(null, 'local')}>
      <input type="hidden" name="callbackUrl" value={(await searchParams).to} />
      <button type="submit">Leave</button>
    </form>
  )
}
