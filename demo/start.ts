/** Starts the demo: an embedded database, demo users and a banner. What people read goes to standard error; standard output has the log. */
import type { RunningDemo } from '../src/demo.ts'
import type { StaffRole } from '../src/staff/role-names.ts'
import { startEmbedded } from './embedded.ts'
import { DEMO_USERS, seedDemo } from './users.ts'

function emailsOf(role: StaffRole): string {
  return DEMO_USERS.filter((user) => user.role === role)
    .map(({ email }) => email)
    .join(', ')
}

function withoutPassword(url: string): string {
  const shown = new URL(url)
  shown.password = ''
  return shown.href
}

/** Starts the embedded database under `folder`. */
export async function startDemo(folder: string): Promise<RunningDemo> {
  process.stderr.write('DATABASE_URL is not set: starting an embedded PostgreSQL …\n')
  const { url, adopted, stop } = await startEmbedded(folder)
  return {
    url,
    stop,
    seed: seedDemo,
    banner: ({ publicOrigin }) => `
  The global-logout demo is running.

  Open      ${publicOrigin}
  Sign in   as ${DEMO_USERS.map(({ email }) => email).join(', ')} (no password)
  Console   ${publicOrigin}/admin, as ${emailsOf('security')} (security) or ${emailsOf('auditor')} (read-only)
  Database  ${withoutPassword(url)}, password in ${folder}/postgres/password${adopted ? '\n            (was still running from an earlier start)' : ''}
  Stop      Ctrl-C

  To use your own database, set DATABASE_URL. The demo users and the demo sign-in are then disabled.

`,
  }
}
