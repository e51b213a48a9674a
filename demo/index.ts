/** The demo of a checkout: an embedded PostgreSQL, users with devices, and a sign-in without passwords. It is not shipped. */
import type { Demo } from '../src/demo.ts'

export const demo: Demo = {
  start: async (folder) => (await import('./start.ts')).startDemo(folder),
  runningUrl: async (folder) => (await import('./embedded.ts')).runningUrl(folder),
  signIn: async () => (await import('./sign-in.ts')).demoSignIn,
}
