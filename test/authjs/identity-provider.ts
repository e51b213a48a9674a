/** A real OpenID Connect server on its own port. It signs each visitor in as their `login_hint`. */
import t from 'tap'
import { CLIENT, createIdentityProvider } from '../../demo/identity-provider.ts'
import { freePort, listen } from '../support/ports.ts'

export { person } from '../../demo/identity-provider.ts'

export async function startIdentityProvider({ redirectUri }: { redirectUri: string }) {
  const port = await freePort()
  // Not 127.0.0.1, where the application and the service run: cookies depend on the host, not on the port.
  const issuer = `http://localhost:${port}`
  const server = createIdentityProvider(issuer, redirectUri)
  await listen(server, port, 'localhost')
  t.teardown(() => {
    server.close()
    server.closeAllConnections()
  })
  /** For the options of Auth.js. */
  const provider = {
    id: 'work',
    name: 'Work',
    type: 'oidc' as const,
    issuer,
    clientId: CLIENT.client_id,
    clientSecret: CLIENT.client_secret,
    checks: ['pkce' as const, 'state' as const, 'nonce' as const],
    authorization: { params: { scope: 'openid email profile' } },
    idToken: false,
  }
  return { issuer, provider, client: CLIENT }
}
