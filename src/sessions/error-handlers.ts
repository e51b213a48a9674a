/** Turns route errors into problem bodies or error pages, and reports refused tokens to the replay alarm. */
import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import fp from 'fastify-plugin'
import { Problem } from '../errors.ts'
import { sendPage } from '../http/pages.ts'
import { logServerError, problemHeaders, sendProblem, sendProblemPage, toProblem } from '../http/problems.ts'
import type { Cookies } from './cookies.ts'
import type { DeviceHints } from './device-columns.ts'
import { DEVICES, SIGNED_OUT } from './finish-logout.ts'
import { sourceOf } from './guards.ts'
import { signInAgainPage } from './views/sign-in-again-page.ts'

declare module 'fastify' {
  interface FastifyInstance {
    /** Call it after answering a request with `invalid_token`. */
    reportRefused(request: FastifyRequest): void
  }
}

export interface ErrorHandlers {
  /** Receives every refused token, `agoMs` milliseconds after its request arrived. */
  replays: { refused(token: string, device: DeviceHints, agoMs: number): void }
  cookies: Pick<Cookies, 'clearAmbiguous'>
}

/** Problem bodies for every route, unless a nested scope replaces the handler. */
export const errorHandlers = fp(handleErrors, {
  name: 'error-handlers',
  dependencies: ['request-credential'],
})

async function handleErrors(app: FastifyInstance, { replays, cookies }: ErrorHandlers) {
  app.decorate('reportRefused', (request) => {
    const { credential } = request
    if (credential.kind !== 'token') return
    replays.refused(credential.token, sourceOf(request), performance.now() - request.arrivedAt)
  })
  app.setErrorHandler((error: FastifyError, request, reply) => {
    const problem = logServerError(toProblem(error), () => request.log)
    if (problem.code !== 'invalid_token') return void sendProblem(reply, problem)
    const { credential } = request
    // Pages do not clear differing cookies: `/signed-out` does, and explains why.
    if (credential.kind === 'refused' && credential.ambiguous.length > 0)
      cookies.clearAmbiguous(reply, credential.ambiguous)
    sendProblem(reply, problem)
    app.reportRefused(request)
  })
  app.setNotFoundHandler((request, reply) => {
    const problem = new Problem('not_found', `No route answers ${request.method} at this path.`)
    // Browsers ask for text/html when they navigate; programs do not.
    const wantsPage = request.headers.accept?.includes('text/html')
    return wantsPage ? sendProblemPage(reply, problem) : sendProblem(reply, problem)
  })
}

/** The page that says why a user is signed out. From a page that they opened it leads on to the sign-in, and back to that page. */
export function whySignedOut({ method, originalUrl, view: { site } }: FastifyRequest): string {
  const page = site.path(SIGNED_OUT)
  return method === 'GET' && site.leadsBack ? `${page}?return=${encodeURIComponent(originalUrl)}` : page
}

function sendSignInAgain(reply: FastifyReply, problem: Problem): void {
  const { id, method, originalUrl, view, session } = reply.request
  const back = method === 'GET' ? originalUrl : view.site.path(DEVICES)
  reply.code(problem.status).headers(problemHeaders(problem, id))
  sendPage(reply, signInAgainPage(view, session.session, back))
}

/** Error pages for the routes of one scope. A user who is not signed in is redirected to `/signed-out`, which explains why. */
export const problemPages = fp(
  async (app) => {
    app.setErrorHandler((error: FastifyError, request, reply) => {
      const problem = logServerError(toProblem(error), () => request.log)
      if (problem.code === 'insufficient_user_authentication') sendSignInAgain(reply, problem)
      else if (problem.status === 401) reply.redirect(whySignedOut(request), 303)
      else sendProblemPage(reply, problem)
      if (problem.code === 'invalid_token') app.reportRefused(request)
    })
  },
  { name: 'problem-pages', dependencies: ['error-handlers'] },
)
