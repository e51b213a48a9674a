/** A real OpenID Connect server on a port of its own. Whoever comes is signed in as their `login_hint`. */
import { createServer } from 'node:http'
import Provider from 'oidc-provider'
import t from 'tap'
import { freePort, listen } from '../support/ports.ts'

export async function startIdentityProvider({ redirectUri }: { redirectUri: string }) {
  const port = await freePort()
  // Not 127.0.0.1, where the application and the service live: cookies know hosts, not ports.
  const issuer = `http://localhost:${port}`
  const client = { client_id: 'an-application', client_secret: 'of-the-application' }
  const provider = new Provider(issuer, {
    clients: [{ ...client, redirect_uris: [redirectUri] }],
    cookies: { keys: ['of-the-tests'] },
    claims: { openid: ['sub'], email: ['email', 'email_verified'], profile: ['name', 'picture'] },
    conformIdTokenClaims: false,
    features: { devInteractions: { enabled: false } },
    interactions: { url: () => '/interaction' },
    findAccount: (_: unknown, id: string) => ({ accountId: id, claims: () => person(id) }),
    // Consent is given by whoever signs in.
    async loadExistingGrant({
      oidc,
    }: {
      oidc: { account: { accountId: string }; client: { clientId: string } }
    }) {
      const grant = new provider.Grant({ accountId: oidc.account.accountId, clientId: oidc.client.clientId })
      grant.addOIDCScope('openid email profile')
      await grant.save()
      return grant
    },
  })
  const answer = provider.callback()
  const server = createServer(async (request, response) => {
    if (request.url !== '/interaction') return answer(request, response)
    const { params } = await provider.interactionDetails(request, response)
    await provider.interactionFinished(request, response, { login: { accountId: params.login_hint } })
  })
  await listen(server, port, 'localhost')
  t.teardown(() => {
    server.close()
    server.closeAllConnections()
  })
  return { issuer, client }
}

/** What the identity provider tells of a person. */
export function person(id: string) {
  return {
    sub: id,
    name: `${id} at work`,
    email: `${id}@example.com`,
    email_verified: true,
    picture: `https://example.com/${id}.png`,
  }
}
