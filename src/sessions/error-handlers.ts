/** Where errors of routes end: a problem body, or a page; the replay alarm hears of every token that was refused. */
import type { FastifyError, FastifyInstance, FastifyRequest } from 'fastify'
import fp from 'fastify-plugin'
import { Problem } from '../errors.ts'
import { logged, sendProblem, sendProblemPage, translate } from '../http/problems.ts'
import type { Cookies } from './cookies.ts'
import { readCredential } from './credentials.ts'
import type { DeviceHints } from './device-columns.ts'
import { type CookieSettings, sourceOf } from './guards.ts'

declare module 'fastify' {
  interface FastifyInstance {
    /** Call it for every request that was refused with `invalid_token`, once it is answered. */
    reportRefused(request: FastifyRequest): void
  }
}

export interface ErrorHandlers {
  /** Hears of every token that was refused, `agoMs` after its request arrived. */
  replays: { refused(token: string, device: DeviceHints, agoMs: number): void }
  cookies: Pick<Cookies, 'clearSession'>
  cookieSettings: Pick<CookieSettings, 'cookieName'>
}

/** Problem bodies for every route, unless a scope inside says otherwise. */
export const errorHandlers = fp(handleErrors, { name: 'error-handlers', dependencies: ['requests'] })

async function handleErrors(app: FastifyInstance, { replays, cookies, cookieSettings }: ErrorHandlers) {
  const credentialOf = (request: FastifyRequest) => readCredential(request.headers, cookieSettings.cookieName)

  app.decorate('reportRefused', (request) => {
    const credential = credentialOf(request)
    if (credential.kind !== 'token') return
    replays.refused(credential.token, sourceOf(request), performance.now() - request.arrivedAt)
  })
  app.setErrorHandler((error: FastifyError, request, reply) => {
    const problem = logged(translate(error), () => request.log)
    if (problem.code !== 'invalid_token') return void sendProblem(reply, problem)
    const credential = credentialOf(request)
    // Pages leave cookies that differ to `/signed-out`, which tells why.
    if (credential.kind === 'refused' && credential.ambiguous) cookies.clearSession(reply)
    sendProblem(reply, problem)
    app.reportRefused(request)
  })
  app.setNotFoundHandler((request, reply) => {
    const problem = new Problem('not_found', `Nothing answers ${request.method} at this address.`)
    // Browsers ask for text/html by name when they navigate; programs do not.
    const person = request.headers.accept?.includes('text/html')
    return person ? sendProblemPage(reply, problem) : sendProblem(reply, problem)
  })
}

/** Error pages for the routes of one scope. A user who is not signed in is led to the page that tells why. */
export const problemPages = fp(
  async (app) => {
    app.setErrorHandler((error: FastifyError, request, reply) => {
      const problem = logged(translate(error), () => request.log)
      if (problem.status === 401) reply.redirect('/signed-out', 303)
      else sendProblemPage(reply, problem)
      if (problem.code === 'invalid_token') app.reportRefused(request)
    })
  },
  { name: 'problem-pages', dependencies: ['error-handlers'] },
)
