/** Builds the HTTP server from its parts. Reads no environment and never listens. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import fastifyFormbody from '@fastify/formbody'
import fastifyHelmet from '@fastify/helmet'
import fastifyRateLimit from '@fastify/rate-limit'
import Fastify, {
  type FastifyBaseLogger,
  type FastifyPluginAsync,
  type FastifyReply,
  type FastifyRequest,
  LogController,
} from 'fastify'
import { serializerCompiler, validatorCompiler } from 'fastify-type-provider-zod'
import type { Checker } from './checking/checker.ts'
import type { Config } from './config.ts'
import { createAddressOf } from './http/address.ts'
import { adminRoutes } from './http/admin.ts'
import { incidentRoutes } from './http/admin-incidents.ts'
import { adminPages } from './http/admin-pages.ts'
import { assetRoutes } from './http/assets.ts'
import { readBodies } from './http/bodies.ts'
import { createCheckHandler } from './http/check.ts'
import { keepAddress, noteRequest, onClientError, onConnect, toOriginForm } from './http/connections.ts'
import { createCookies } from './http/cookies.ts'
import { readCredential } from './http/credentials.ts'
import { eventRoutes } from './http/events.ts'
import { createFinishLogout } from './http/finish-logout.ts'
import { healthRoutes } from './http/health.ts'
import { countRequests, metricsRoutes } from './http/metrics.ts'
import { openapi } from './http/openapi/plugin.ts'
import { pageRoutes } from './http/pages.ts'
import { problemPages, problems } from './http/problems.ts'
import { serviceRoutes } from './http/service.ts'
import { createRequireKey } from './http/service-key.ts'
import { originOf } from './http/session.ts'
import { sessionEventRoutes } from './http/session-events.ts'
import { createRequireStaff } from './http/staff.ts'
import { createStreams } from './http/streams.ts'
import { userRoutes } from './http/user.ts'
import type { Metrics } from './metrics.ts'
import type { Feed } from './propagation/feed.ts'
import { createUserFeed } from './propagation/user-feed.ts'
import type { Accounts } from './security/accounts.ts'
import type { Audit } from './security/audit.ts'
import type { Incidents } from './security/incidents.ts'
import type { Keys } from './security/keys.ts'
import type { Overview } from './security/overview.ts'
import type { Replays } from './security/replays.ts'
import type { Sessions } from './sessions/sessions.ts'
import { type Database, withinOneDeadline } from './storage/database.ts'
import type { Tracing } from './tracing.ts'

declare module 'fastify' {
  interface FastifyRequest {
    /** In milliseconds on the monotonic clock. */
    arrivedAt: number
  }
  interface FastifyContextConfig {
    /** A route too hot for a log line per request; its failures are logged all the same. */
    quiet?: boolean
  }
}

/** Longest request body, in bytes. */
const MAX_BODY = 16 * 1024
/** Longest id in a path: a user's may be any text. */
const MAX_PARAM = 4_096
const LIMITS = {
  /** All headers of a request, in bytes; more than the gateways of `examples` pass on, so that no check fails for its length. */
  maxHeaderSize: 64 * 1024,
  /** For a request to arrive. This and the following in milliseconds. */
  requestTimeout: 10_000,
  /** Node looks every 30 seconds unless told otherwise. */
  connectionsCheckingInterval: 1_000,
  /** Longer than that of common gateways (60 s), so that they close first. */
  keepAliveTimeout: 75_000,
}
const HSTS_SECONDS = 2 * 365 * 86_400

export interface ServerParts {
  config: Pick<
    Config,
    | 'publicOrigin'
    | 'secure'
    | 'cookie'
    | 'allowedRedirects'
    | 'clearSiteData'
    | 'trustProxy'
    | 'trustProxyHeader'
    | 'staffMaxAuthAgeSeconds'
  >
  database: Pick<Database, 'run'>
  sessions: Sessions
  keys: Keys
  incidents: Incidents
  accounts: Accounts
  audit: Audit
  overview: Overview
  replays: Pick<Replays, 'refused'>
  feed: Feed
  checker: Checker
  metrics: Pick<Metrics, 'text' | 'contentType' | 'checked' | 'answered' | 'feed'>
  logger: FastifyBaseLogger
  tracing?: Pick<Tracing, 'plugin' | 'check'> | undefined
  /** A sign-in of our own at `/login`; the demo has one, production does not. */
  signIn?: FastifyPluginAsync<SignIn>
}

/** What a sign-in route needs to sign somebody in. */
export type SignIn = Pick<ServerParts, 'sessions'> & {
  cookies: ReturnType<typeof createCookies>
  visitor: { cookieName: string; publicOrigin: string }
}

export async function buildServer({
  config,
  database,
  sessions,
  keys,
  incidents,
  accounts,
  audit,
  overview,
  replays,
  feed,
  checker,
  metrics,
  logger,
  tracing,
  signIn,
}: ServerParts) {
  const addressOf = createAddressOf(config)
  const cookies = createCookies(config.cookie, config.publicOrigin)
  const check = createCheckHandler({
    checker,
    cookieName: config.cookie.name,
    sessionGone: cookies.sessionGone,
    logger,
    metrics,
    refused: (token, request, agoMs) => {
      const hints = {
        userAgent: request.headers['user-agent'] ?? null,
        ipAddress: addressOf(request).client,
      }
      replays.refused(token, hints, agoMs)
    },
    traced: tracing?.check,
  })
  const refused = (request: FastifyRequest) => {
    const credential = readCredential(request.headers, config.cookie.name)
    if (credential.kind === 'token')
      replays.refused(credential.token, originOf(request), performance.now() - request.arrivedAt)
  }
  const removeAmbiguous = (request: FastifyRequest, reply: FastifyReply) => {
    const credential = readCredential(request.headers, config.cookie.name)
    if (credential.kind === 'refused' && credential.ambiguous) cookies.clearSession(reply)
  }
  const app = Fastify({
    loggerInstance: logger,
    logController: new LogController({
      disableRequestLogging: (request) => request.routeOptions?.config?.quiet === true,
    }),
    bodyLimit: MAX_BODY,
    serverFactory: (rest) => {
      const answer = (request: IncomingMessage, response: ServerResponse) => {
        noteRequest(request, response)
        toOriginForm(request)
        // Node drops what arrives together with a request for another protocol, such as the next request: it is sent again.
        if (!app.server.listening || request.headers.upgrade !== undefined) response.shouldKeepAlive = false
        if (!check(request, response)) rest(request, response)
      }
      // An `Expect` that Node does not know is no reason to refuse.
      const server = createServer(LIMITS, answer)
        .on('connection', keepAddress)
        .on('checkExpectation', answer)
        .on('connect', onConnect)
      // Their size is the limit: of more than 1,000 lines Node drops the others, such as the address that a proxy adds, or refuses.
      server.maxHeadersCount = 0
      return server
    },
    forceCloseConnections: 'idle',
    requestIdHeader: false,
    genReqId: () => crypto.randomUUID(),
    clientErrorHandler: onClientError,
    frameworkErrors: (error, request, reply) => void app.errorHandler(error, request, reply),
    routerOptions: { ignoreTrailingSlash: true, maxParamLength: MAX_PARAM },
  })
  app.setValidatorCompiler(validatorCompiler)
  app.setSerializerCompiler(serializerCompiler)
  app.decorateRequest('session')
  app.decorateRequest('serviceKey')
  app.decorateRequest('staff')
  app.decorateRequest('address', {
    getter() {
      return addressOf(this.raw)
    },
  })
  app.decorateRequest('arrivedAt', 0)
  app.addHook('onRequest', async (request, reply) => {
    request.arrivedAt = performance.now()
    reply.header('x-request-id', request.id)
  })
  countRequests(app, metrics)
  readBodies(app)

  const visitor = { cookieName: config.cookie.name, publicOrigin: config.publicOrigin }
  const { staffMaxAuthAgeSeconds: maxAuthAgeSeconds } = config
  const finish = createFinishLogout(
    cookies,
    config.publicOrigin,
    config.allowedRedirects,
    config.clearSiteData,
  )

  const streams = createStreams(feed.readAt)
  metrics.feed({ counts: feed.counts, readAt: feed.readAt, followers: streams.size, cutOff: streams.cutOff })

  const closeConnections = closeConnectionsAsTheyFinish(app.server)
  app.addHook('preClose', async () => closeConnections())
  await app.register(problems, { refused, removeAmbiguous })
  app.addHook('preClose', async () => streams.close())
  if (tracing) await app.register(tracing.plugin)
  await app.register(fastifyHelmet, securityHeaders(config))
  await app.register(fastifyRateLimit, { global: false })
  await app.register(openapi, { cookieName: config.cookie.name })
  await app.register(assetRoutes)
  await app.register(async (fresh) => {
    fresh.addHook('onRequest', (_request, _reply, done) => withinOneDeadline(done))
    fresh.addHook('onRequest', async (_request, reply) => void reply.header('cache-control', 'no-store'))
    await fresh.register(healthRoutes, database)
    await fresh.register(metricsRoutes, metrics)
    await fresh.register(userRoutes, { sessions, visitor, finish })
    const requireKey = createRequireKey(app, keys)
    await fresh.register(sessionEventRoutes, { sessions, userFeed: createUserFeed(feed), streams, visitor })
    await fresh.register(async (services) => {
      await services.register(fastifyFormbody)
      await services.register(serviceRoutes, { sessions, cookies, requireKey })
      await services.register(eventRoutes, { feed, streams, keys, requireKey })
    })
    const requireStaff = createRequireStaff({ sessions, database, visitor, requireKey, maxAuthAgeSeconds })
    await fresh.register(incidentRoutes, { incidents, requireStaff })
    await fresh.register(adminRoutes, { accounts, audit, requireStaff })
    await fresh.register(async (site) => {
      await site.register(problemPages, { refused })
      await site.register(fastifyFormbody)
      const signInPath = signIn ? '/login' : null
      const { roleOf } = overview
      await site.register(pageRoutes, { sessions, cookies, visitor, finish, signInPath, roleOf })
      if (signIn) await site.register(signIn, { sessions, cookies, visitor })
      const services = { sessions, accounts, audit, incidents, overview }
      const staff = { visitor, requireStaff, refused, signInPath, maxAuthAgeSeconds }
      await site.register(adminPages, { prefix: '/admin', ...services, ...staff })
    })
  })
  return app
}

/**
 * Node closes the connections that are idle when the server closes; those that become idle later would hold it up, and
 * those on which nothing was ever asked, which browsers open ahead and Node does not count as idle.
 * @returns what begins to close them.
 */
function closeConnectionsAsTheyFinish(server: Server): () => void {
  const sockets = new Set<Socket>()
  server.on('connection', (socket: Socket) => {
    sockets.add(socket)
    socket.once('close', () => sockets.delete(socket))
  })
  return () => {
    const closeSome = () => {
      server.closeIdleConnections()
      for (const socket of sockets) if (socket.bytesRead === 0) socket.destroy()
    }
    // A server that could not listen never closes.
    const timer = setInterval(closeSome, 50).unref()
    server.once('close', () => clearInterval(timer))
  }
}

/** Nothing but our own stylesheet and script, and no form that leads elsewhere. */
function securityHeaders({ secure }: ServerParts['config']) {
  return {
    contentSecurityPolicy: {
      useDefaults: false,
      directives: {
        defaultSrc: ["'none'"],
        scriptSrc: ["'self'"],
        styleSrc: ["'self'"],
        imgSrc: ["'self'"],
        connectSrc: ["'self'"],
        formAction: ["'self'"],
        frameAncestors: ["'none'"],
        baseUri: ["'none'"],
      },
    },
    strictTransportSecurity: secure && { maxAge: HSTS_SECONDS, includeSubDomains: false },
    referrerPolicy: { policy: 'same-origin' as const },
    xFrameOptions: { action: 'deny' as const },
  }
}
