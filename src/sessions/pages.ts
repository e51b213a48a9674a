/**
 * The pages for users: their devices, the sign-out confirmation, and the signed-out page. Plain forms that work without
 * JavaScript. A user who is not signed in is redirected to `/signed-out`, which explains why.
 */
import fastifyFormbody from '@fastify/formbody'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import fp from 'fastify-plugin'
import type { ZodTypeProvider } from 'fastify-type-provider-zod'
import { z } from 'zod'
import type { Config } from '../config.ts'
import { Problem } from '../errors.ts'
import { ignoreBodies } from '../http/bodies.ts'
import { sendPage } from '../http/pages.ts'
import { cursor, sessionId } from '../http/schemas.ts'
import { endsOwnSession } from '../operations/kinds.ts'
import type { Site } from '../ui/site.ts'
import type { Cookies } from './cookies.ts'
import { problemPages } from './error-handlers.ts'
import { DEVICES, type FinishLogout, SIGNED_OUT } from './finish-logout.ts'
import { type CookieSettings, isRecent, requireTokensForSignOut, sourceOf } from './guards.ts'
import { LOGOUT_BODY, logoutRequest, refuseScopeInQuery, scope } from './logout-request.ts'
import type { Places } from './places.ts'
import type { Session } from './schema.ts'
import type { Sessions } from './sessions.ts'
import { devicesPage, type OtherSessions } from './views/devices-page.ts'
import { endPage } from './views/end-page.ts'
import { logoutPage } from './views/logout-page.ts'
import { onwardPage } from './views/onward-page.ts'
import type { Ended } from './views/parts.ts'
import { type SignedOut, signedOutPage } from './views/signed-out-page.ts'
import { visitOf } from './visits.ts'

/** Ended sessions that a page lists at most; it counts the rest. */
const LISTED = 100

const devicesQuery = z.object({ cursor: cursor.optional().catch(undefined) })

export interface Pages {
  sessions: Sessions
  cookies: Cookies
  cookieSettings: CookieSettings
  finishLogout: FinishLogout
  places: Places
  config: Pick<Config, 'devicesMaxAuthAgeSeconds'>
  site: Site
  /** As of the web context. */
  returnTo(address: string): string | null
  /** Tells whether to link to the security console. */
  overview: { roleOf(userId: string): Promise<string | null> }
}

async function routes(instance: FastifyInstance, options: Pages) {
  const { sessions, cookies, cookieSettings, finishLogout, places, site, returnTo, overview } = options
  const { devicesMaxAuthAgeSeconds } = options.config
  const app = instance.withTypeProvider<ZodTypeProvider>()
  await app.register(problemPages)
  await app.register(fastifyFormbody)
  const signedIn = { preHandler: app.requireSession }
  const recently = { preHandler: [app.requireSession, app.requireRecentSignIn] }

  // On the application's host only `/devices` leads here: its own front page is `/`.
  for (const path of ['/', DEVICES])
    app.get(path, { ...recently, schema: { querystring: devicesQuery } }, devices)

  type AsksDevices = FastifyRequest<{ Querystring: z.infer<typeof devicesQuery> }>
  async function devices(request: AsksDevices, reply: FastifyReply) {
    const { session, user } = request.session
    const { cursor } = request.query
    const others = await othersOf(session, cursor)
    const last = await readOutcome(cookies.readOutcome(request), user.id)
    if (last) cookies.clearOutcome(reply)
    // The outcome may be of an earlier session of this browser.
    const outcome = last?.operation.actorSessionId === session.id ? last : null
    const staff = (await overview.roleOf(user.id)) !== null
    const isFirst = cursor === undefined
    const past = isFirst ? (await sessions.recentlyEnded(user.id)).ended : []
    const visit = visitOf(cookies.readVisit(request), user.id)
    cookies.setVisit(reply, visit.cookie)
    const placeOf = await places.finder()
    const lists = { current: session, others, past, placeOf, newAfter: visit.newAfter }
    return sendPage(reply, devicesPage({ view: request.view, user, ...lists, isFirst, outcome, staff }))
  }

  /** A page of the user's other sessions. The summary is read first: see there. */
  async function othersOf({ id, userId }: Session, cursor?: string): Promise<OtherSessions> {
    const { total, hash } = await sessions.summary(userId)
    const page = await sessions.list(userId, { cursor, except: id })
    return { ...page, total: Math.max(total - 1, page.sessions.length), hash }
  }

  app.get(
    '/logout',
    {
      ...signedIn,
      schema: {
        querystring: z.object({
          scope: scope.catch('local'),
          callbackUrl: z.string().max(2048).optional().catch(undefined),
        }),
      },
    },
    async (request, reply) => {
      const { session, user } = request.session
      const others = isRecent(request, devicesMaxAuthAgeSeconds) ? await othersOf(session) : null
      return sendPage(
        reply,
        logoutPage({ view: request.view, user, current: session, others, ...request.query }),
      )
    },
  )

  app.post('/logout', { bodyLimit: LOGOUT_BODY, schema: { body: logoutRequest } }, async (request, reply) => {
    const { token, others } = await requireTokensForSignOut(request, cookieSettings)
    refuseScopeInQuery(request, request.body.scope)
    if (request.body.scope !== 'local') await app.requireRecentSignIn(request)
    const outcome = await sessions.logout(token, request.body.scope, sourceOf(request), others)
    const { redirect, followed } = finishLogout(reply, token, outcome, request.body)
    if (!followed) return reply.redirect(redirect, 303)
    return sendPage(reply, onwardPage({ view: request.view, href: site.absolute(redirect), outcome }))
  })

  await app.register(async (bodiless) => {
    ignoreBodies(bodiless)
    bodiless
      .withTypeProvider<ZodTypeProvider>()
      .post(
        '/sessions/:id/end',
        { schema: { params: z.object({ id: sessionId }) } },
        async (request, reply) => {
          const { token, others } = await requireTokensForSignOut(request, cookieSettings)
          await app.requireRecentSignIn(request)
          const outcome = await sessions
            .endOne(token, request.params.id, sourceOf(request), others)
            .catch((error) => {
              // Already ended, from another device or by a second click: the list shows it.
              if (error instanceof Problem && error.code === 'session_not_found') return null
              throw error
            })
          return reply.redirect(
            outcome ? finishLogout(reply, token, outcome).redirect : site.path(DEVICES),
            303,
          )
        },
      )
  })

  app.get(
    '/sessions/:id/end',
    { ...recently, schema: { params: z.object({ id: sessionId }) } },
    async (request, reply) => {
      const { session: current, user } = request.session
      const session = await sessions.findOwn(user.id, request.params.id)
      // It has ended: the list shows it.
      if (!session) return reply.redirect(site.path(DEVICES), 303)
      return sendPage(reply, endPage({ view: request.view, user, current, session }))
    },
  )

  app.get('/signed-out', async (request, reply) => {
    const { credential } = request
    const followed = 'followed' in (request.query as object)
    // The outcome belongs to the tab that requested the logout, which may be loading this page too.
    const receipt = followed ? undefined : cookies.readOutcome(request)
    const ambiguous = credential.kind === 'refused' ? credential.ambiguous : []
    const why =
      ambiguous.length > 0
        ? ({ by: 'two-cookies' } as const)
        : await whySignedOut(credential.kind === 'token' ? credential.token : null, receipt)
    if (ambiguous.length > 0) cookies.clearAmbiguous(reply, ambiguous)
    if (!why) return reply.redirect(site.path(DEVICES), 303)
    if (receipt) cookies.clearOutcome(reply)
    return sendPage(
      reply,
      signedOutPage({ view: request.view, why, signInHref: site.signIn(backOf(request)), followed }),
    )
  })

  // Gateways send browsers here after a 401. Who was signed out learns why; anyone else goes straight to the sign-in.
  app.get('/sign-in', async (request, reply) => {
    const { credential } = request
    const status = credential.kind === 'token' ? await sessions.tokenStatus(credential.token) : null
    const back = backOf(request)
    const explains = credential.kind === 'refused' || (status !== null && status.state !== 'valid')
    const signIn = explains ? null : site.signIn(back)
    const query = back && `?return=${encodeURIComponent(back)}`
    return reply.redirect(signIn ?? `${site.path(SIGNED_OUT)}${query ?? ''}`, 303)
  })

  /**
   * The allowed address to return to after a sign-in. It is all that follows `return=`, because some gateways cannot encode the
   * address of a request.
   */
  function backOf({ url }: FastifyRequest): string | null {
    const [, given] = /[?&]return=(.*)$/s.exec(url) ?? []
    if (!given) return null
    const address = /^(\/|https?:)/i.test(given) ? given : decoded(given)
    return address ? returnTo(address) : null
  }

  /** Why this browser is signed out; null when it is signed in. */
  async function whySignedOut(token: string | null, receipt: string | undefined): Promise<SignedOut | null> {
    const status = token ? await sessions.tokenStatus(token) : null
    if (status?.state === 'valid') return null
    const outcome = await readOutcome(receipt, status?.userId)
    if (!outcome) return { by: 'other', status }
    const ownLogout = status?.operation ? status.operation.id === outcome.operation.id : endedItself(outcome)
    return ownLogout ? { by: 'you', ...outcome } : { by: 'other', status }
  }

  /** The outcome of a logout in this browser. It needs the receipt, and is never shown to another user. */
  async function readOutcome(receipt: string | undefined, userId: string | undefined) {
    const found = receipt ? await sessions.outcome(receipt, LISTED) : null
    return found && (!userId || found.operation.userId === userId) ? found : null
  }
}

export const pages = fp(routes, {
  name: 'pages',
  dependencies: ['error-handlers', 'session-guard'],
  encapsulate: true,
})

/** Whether an operation ended the session that requested it. */
function endedItself({ operation, revoked }: Ended): boolean {
  if (operation.kind === 'logout' && operation.scope) return endsOwnSession(operation.scope)
  return revoked.some(({ sessionId }) => sessionId === operation.actorSessionId)
}

/** A percent-encoded text; null when it is malformed. */
function decoded(text: string): string | null {
  try {
    return decodeURIComponent(text)
  } catch {
    return null
  }
}
