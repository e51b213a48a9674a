/** A real OpenID Connect server on a port of its own. Whoever comes is signed in as their `login_hint`. */
import t from 'tap'
import { CLIENT, createIdentityProvider } from '../../demo/identity-provider.ts'
import { freePort, listen } from '../support/ports.ts'

export { person } from '../../demo/identity-provider.ts'

export async function startIdentityProvider({ redirectUri }: { redirectUri: string }) {
  const port = await freePort()
  // Not 127.0.0.1, where the application and the service live: cookies know hosts, not ports.
  const issuer = `http://localhost:${port}`
  const server = createIdentityProvider(issuer, redirectUri)
  await listen(server, port, 'localhost')
  t.teardown(() => {
    server.close()
    server.closeAllConnections()
  })
  return { issuer, client: CLIENT }
}
