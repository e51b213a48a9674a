/**
 * An OpenID Connect provider that runs without the outside and asks for no password: for the tests, and to try the examples. A
 * `login_hint` is signed in at once; others choose a person.
 */
import { createServer, type Server } from 'node:http'
import Provider from 'oidc-provider'

const PEOPLE = ['ada', 'grace', 'alan']

export const CLIENT = { client_id: 'an-application', client_secret: 'of-the-application' }

/** @param issuer its own address, where the server that is returned has to listen. */
export function createIdentityProvider(issuer: string, redirectUri: string): Server {
  const provider = new Provider(issuer, {
    clients: [{ ...CLIENT, redirect_uris: [redirectUri] }],
    cookies: { keys: ['of-the-tests'] },
    claims: { openid: ['sub'], email: ['email', 'email_verified'], profile: ['name', 'picture'] },
    conformIdTokenClaims: false,
    features: { devInteractions: { enabled: false } },
    interactions: { url: () => '/interaction' },
    findAccount: (_: unknown, id: string) => ({ accountId: id, claims: () => person(id) }),
    // A sign-in counts as consent.
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
  return createServer(async (request, response) => {
    const { pathname, searchParams } = new URL(request.url ?? '/', issuer)
    if (pathname !== '/interaction') return answer(request, response)
    const { params } = await provider.interactionDetails(request, response)
    const accountId = params.login_hint ?? searchParams.get('as')
    if (accountId) return provider.interactionFinished(request, response, { login: { accountId } })
    const links = PEOPLE.map((id) => `<li><a href="?as=${id}">${id}</a></li>`).join('')
    response.setHeader('content-type', 'text/html; charset=utf-8')
    response.end(`<!doctype html><title>Sign in</title><h1>Who are you?</h1><ul>${links}</ul>`)
  })
}

/** The claims of a user at the identity provider. */
export function person(id: string) {
  return {
    sub: id,
    name: `${id} at work`,
    email: `${id}@example.com`,
    email_verified: true,
    picture: `https://example.com/${id}.png`,
  }
}
