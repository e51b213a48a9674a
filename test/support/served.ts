/** Starts the service as `global-logout start` composes it, in this process, on a test database and its own port. */
import t from 'tap'
import { readConfig } from '../../src/config.ts'
import { createCleanup } from '../../src/lib/cleanup.ts'
import { createLogger } from '../../src/observability/log.ts'
import { serve } from '../../src/serve.ts'
import { boundedFetch } from './bounded-fetch.ts'
import { testDatabase } from './database.ts'
import { freePort } from './ports.ts'
import { servicesOn } from './service.ts'
import { waitFor } from './within.ts'

/** Everything is closed when the test file ends. */
export async function served(env: Record<string, string> = {}) {
  const database = await testDatabase()
  const port = await freePort()
  const config = readConfig({ DATABASE_URL: database.url, PORT: String(port), ...env })
  const cleanup = createCleanup()
  t.teardown(cleanup.run)
  await serve(config, { url: database.url, demo: false }, createLogger('silent'), cleanup)
  const base = `http://127.0.0.1:${port}`
  await waitFor('the service to be ready', async () => (await boundedFetch(`${base}/readyz`)).status === 200)
  const { sessions } = servicesOn(database.url)
  return {
    base,
    database,
    /** Signs a user in as an application does. @returns the token. */
    signIn: async (userId: string) => {
      await database.psql('insert into "user" (id) values ($1) on conflict do nothing', [userId])
      return (await sessions.create({ userId, userAgent: null, ipAddress: null })).token
    },
    /** The status of a request with a bearer token. */
    ask: async (token: string | null, path: string, init: RequestInit = {}) => {
      const authorization = token === null ? {} : { authorization: `Bearer ${token}` }
      const response = await boundedFetch(base + path, {
        redirect: 'manual',
        ...init,
        headers: { ...init.headers, ...authorization },
      })
      await response.arrayBuffer()
      return response.status
    },
    /** The output of `/metrics`. */
    metrics: async () => (await boundedFetch(`${base}/metrics`)).text(),
  }
}
