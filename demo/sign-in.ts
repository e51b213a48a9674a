/** `/login` of the demo: choose a user, without a password. Exists only when `DATABASE_URL` is not set. */
import fastifyFormbody from '@fastify/formbody'
import { html } from '@remix-run/html-template'
import type { FastifyInstance } from 'fastify'
import type { ZodTypeProvider } from 'fastify-type-provider-zod'
import { z } from 'zod'
import { Problem } from '../src/errors.ts'
import { assertSameOrigin } from '../src/http/csrf.ts'
import type { Cookies } from '../src/sessions/cookies.ts'
import { problemPages } from '../src/sessions/error-handlers.ts'
import { type CookieSettings, sourceOf } from '../src/sessions/guards.ts'
import type { ReadPlaceHeaders } from '../src/sessions/place-headers.ts'
import type { Sessions } from '../src/sessions/sessions.ts'
import { sign } from '../src/ui/icons.ts'
import { layout } from '../src/ui/layout.ts'
import type { Site } from '../src/ui/site.ts'
import { ENGLISH } from '../src/ui/view.ts'
import { DEMO_USERS } from './users.ts'

export interface SignIn {
  sessions: Pick<Sessions, 'create'>
  cookies: Cookies
  cookieSettings: CookieSettings
  placeHeadersOf: ReadPlaceHeaders
}

export async function demoSignIn(
  instance: FastifyInstance,
  { sessions, cookies, cookieSettings, placeHeadersOf }: SignIn,
) {
  const app = instance.withTypeProvider<ZodTypeProvider>()
  await app.register(problemPages)
  await app.register(fastifyFormbody)

  app.get('/login', async ({ view: { site } }, reply) =>
    reply.type('text/html; charset=utf-8').send(String(signInPage(site))),
  )

  app.post('/login', { schema: { body: z.strictObject({ email: z.string() }) } }, async (request, reply) => {
    const old = request.credential
    // Browsers always send one of these headers. A program without a cookie needs no CSRF protection.
    const { origin, 'sec-fetch-site': site, cookie } = request.headers
    if (origin || site || cookie) assertSameOrigin(request.headers, cookieSettings.publicOrigin)
    const found = DEMO_USERS.find(({ email }) => email === request.body.email)
    if (!found) {
      const emails = DEMO_USERS.map(({ email }) => email).join(', ')
      throw new Problem('invalid_request', `email: must be one of ${emails}`, { field: 'email' })
    }
    const replaces = old.kind === 'token' ? old.token : undefined
    const { token, session } = await sessions.create({
      userId: found.id,
      replaces,
      signIn: { method: 'demo', ...placeHeadersOf(request) },
      ...sourceOf(request),
    })
    cookies.setSession(reply, token, session.expires)
    return reply.redirect(request.view.site.path('/'), 303)
  })
}

const ROLES = { security: 'security staff', auditor: 'auditor' }

function signInPage(site: Site) {
  return layout({
    view: { ...ENGLISH, site },
    title: 'Sign in',
    card: 'enter',
    body: html`
<h1>Sign in</h1>
<p class="lead">Choose a user. The demo needs no password.</p>
<form method="post" action="/login" class="people">
${DEMO_USERS.map(
  ({ name, email, role }) => html`<button name="email" value="${email}">
<span class="initial" aria-hidden="true">${name.slice(0, 1)}</span>
<span><span class="unseen">Sign in as </span>${name}<small>${email}${role ? ` · ${ROLES[role]}` : ''}</small></span>
${sign('next')}
</button>
`,
)}</form>
<p class="quiet">Only the demo has this page. In production, your application signs users in.</p>`,
  })
}
