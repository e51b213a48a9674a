/**
 * The console of security staff, at `/admin`. The guard runs before any look-up: a visitor without a role gets the same page
 * at every address, whether it exists or not.
 */
import fastifyFormbody from '@fastify/formbody'
import type { FastifyError, FastifyInstance, FastifyPluginAsync, FastifyReply, FastifyRequest } from 'fastify'
import fp from 'fastify-plugin'
import { Problem } from '../../errors.ts'
import { logServerError, problemHeaders, sendProblemPage, toProblem } from '../../http/problems.ts'
import { whySignedOut } from '../../sessions/error-handlers.ts'
import { accountPages } from '../accounts/pages.ts'
import { auditPages } from '../audit/pages.ts'
import { entered, send, viewerOf } from '../forms.ts'
import { incidentPages } from '../incidents/pages.ts'
import { overviewPages } from '../overview/pages.ts'
import { personalDataPages } from '../personal-data/pages.ts'
import { replayPages } from '../replays/pages.ts'
import type { Section } from '../views/frame.ts'
import { consoleProblemPage } from '../views/problem-page.ts'
import { retryPage } from '../views/retry-page.ts'

/** The pages below `/admin`; each names what it takes. */
const PAGES = [overviewPages, accountPages, replayPages, incidentPages, personalDataPages, auditPages]
type PageParts = (typeof PAGES)[number] extends (app: never, parts: infer Parts) => unknown ? Parts : never

export type ConsoleParts = PageParts

async function consolePages(app: FastifyInstance, options: ConsoleParts) {
  app.addHook('onRequest', async (request) => {
    await app.requireStaff.read(request)
    // Service keys use the API.
    if (request.staff.actorKind !== 'staff')
      throw new Problem('not_staff', 'The console is for signed-in users, not for service keys.')
  })
  app.setErrorHandler((error: FastifyError, request, reply) => {
    const problem = logServerError(toProblem(error), () => request.log)
    if (problem.status === 401) reply.redirect(whySignedOut(request), 303)
    else answer(problem, request, reply)
    if (problem.code === 'invalid_token') app.reportRefused(request)
  })
  app.setNotFoundHandler(() => {
    throw new Problem('not_found', 'No page has this address.')
  })

  const pages: FastifyPluginAsync<ConsoleParts>[] = PAGES
  // The options hold the prefix already.
  for (const page of pages) await app.register(page, { ...options, prefix: '' })
}

async function routes(instance: FastifyInstance, options: ConsoleParts) {
  await instance.register(fastifyFormbody)
  await instance.register(consolePages, { ...options, prefix: '/admin' })
}

export const staffConsole = fp(routes, {
  name: 'console',
  dependencies: ['error-handlers', 'staff-guard'],
  encapsulate: true,
})

function answer(problem: Problem, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  const { code, detail, status } = problem
  // Visitors without a role see no part of the console.
  if (!request.staff || code === 'not_staff' || code === 'cross_origin')
    return sendProblemPage(reply, problem)
  const viewer = viewerOf(request)
  const section = sectionOf(request.url)
  reply.code(status).headers(problemHeaders(problem, request.id))
  if (
    request.method === 'POST' &&
    (code === 'sign_in_again' || code === 'unavailable' || code === 'outcome_unknown')
  ) {
    const body = (request.body ?? {}) as Record<string, unknown>
    const again = { viewer, section, why: code, action: request.url, entered: body }
    return send(reply, retryPage(again))
  }
  if (status >= 500) return sendProblemPage(reply, problem)
  const { id: userId } = entered(request.query)
  return send(reply, consoleProblemPage({ viewer, section, problem: { code, detail }, userId }))
}

function sectionOf(url: string): Section {
  if (/^\/admin\/(user|locks|staff|sessions)/.test(url)) return 'users'
  if (url.startsWith('/admin/incident')) return 'incidents'
  return /^\/admin\/(audit|operation)/.test(url) ? 'audit' : 'overview'
}
