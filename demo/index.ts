/** The demo: an embedded PostgreSQL, users with devices, and sign-in without passwords. Not part of the published package. */
import type { Demo } from '../src/demo.ts'

export const demo: Demo = {
  start: async (folder) => (await import('./start.ts')).startDemo(folder),
  runningUrl: async (folder) => (await import('./embedded.ts')).runningUrl(folder),
  signIn: async () => (await import('./sign-in.ts')).demoSignIn,
}
