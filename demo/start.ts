/** What a start without `DATABASE_URL` adds: an embedded database, demo users, a sign-in and a banner. */
import type { RunningDemo } from '../src/demo.ts'
import type { StaffRole } from '../src/staff/role-names.ts'
import { startEmbedded } from './embedded.ts'
import { DEMO_USERS, seedDemo } from './users.ts'

function emailsOf(role: StaffRole): string {
  return DEMO_USERS.filter((user) => user.role === role)
    .map(({ email }) => email)
    .join(', ')
}

/** Starts the embedded database under `folder`. */
export async function startDemo(folder: string): Promise<RunningDemo> {
  process.stdout.write('DATABASE_URL is not set: starting an embedded PostgreSQL …\n')
  const { url, adopted, stop } = await startEmbedded(folder)
  return {
    url,
    stop,
    seed: seedDemo,
    /** What runs, where to open it, and as whom to sign in. */
    banner: ({ publicOrigin }) => `
  global-logout runs, as a demo.

  Open      ${publicOrigin}
  Sign in   as ${DEMO_USERS.map(({ email }) => email).join(', ')} (no password)
  Console   ${publicOrigin}/admin, as ${emailsOf('security')} (security) or ${emailsOf('auditor')} (may only read)
  Database  ${url}${adopted ? '\n            (was still running after the last stop; taken over)' : ''}
  Stop      Ctrl-C

  To serve your own application, set DATABASE_URL: then there is no demo user and no demo sign-in.

`,
  }
}
