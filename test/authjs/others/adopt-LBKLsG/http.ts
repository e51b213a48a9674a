import { withGlobalLogout } from '@global-logout/authjs'
import { createClient } from '@global-logout/client'
import { adapter } from './application.ts'

const { GLOBAL_LOGOUT_URL: url = '', GLOBAL_LOGOUT_KEY: key } = process.env
export const sessions = createClient({ url, key })

export const config = {
  adapter: withGlobalLogout(adapter, sessions),
  session: { strategy: 'database' as const },
}
