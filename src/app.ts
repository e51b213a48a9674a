/** Builds the HTTP application: one plugin per capability. It reads no environment and does not listen. */
import Fastify, { type FastifyBaseLogger, type FastifyPluginAsync } from 'fastify'
import { serializerCompiler, validatorCompiler } from 'fastify-type-provider-zod'
import { createCheckHandler } from './check/handler.ts'
import { documentedCheck } from './check/openapi.ts'
import { asOf, withAsOf } from './database/as-of.ts'
import { withDeadline } from './database/database.ts'
import { events } from './feed/routes.ts'
import { sessionEvents } from './feed/session-events.ts'
import { streams } from './feed/sse.ts'
import { createAddressOf } from './http/address.ts'
import { createRewrite } from './http/base-path.ts'
import { onClientError } from './http/connections.ts'
import { openapi } from './http/openapi/plugin.ts'
import { closeIdleConnectionsOnShutdown, createRawServer } from './http/raw-server.ts'
import { RequestLog } from './http/request-log.ts'
import { requests } from './http/requests.ts'
import { securityHeaders } from './http/security-headers.ts'
import { health } from './observability/health.ts'
import { metricsText } from './observability/routes.ts'
import type { Tracing } from './observability/tracing.ts'
import { keyGuard } from './service-api/guard.ts'
import { leases } from './service-api/leases.ts'
import { serviceApi } from './service-api/routes.ts'
import type { Services } from './services.ts'
import { devicePages } from './sessions/device-pages.ts'
import { deviceApi } from './sessions/device-routes.ts'
import { errorHandlers } from './sessions/error-handlers.ts'
import { sessionGuard } from './sessions/guards.ts'
import { pages } from './sessions/pages.ts'
import { createCredentialChoice, requestCredential } from './sessions/request-credential.ts'
import { userApi } from './sessions/routes.ts'
import { createWebContext, type WebContext } from './sessions/web-context.ts'
import { accountListsApi } from './staff/accounts/list-routes.ts'
import { accountsApi } from './staff/accounts/routes.ts'
import { auditApi } from './staff/audit/routes.ts'
import { staffConsole } from './staff/console/pages.ts'
import { staffGuard } from './staff/guard.ts'
import { incidentsApi } from './staff/incidents/routes.ts'
import { signedInApi } from './staff/incidents/signed-in-routes.ts'
import { personalDataApi } from './staff/personal-data/routes.ts'
import { replaysApi } from './staff/replays/routes.ts'
import { assets } from './ui/routes.ts'

/** Longest request body, in bytes. */
const MAX_BODY = 16 * 1024
/** Longest path parameter, in characters: a user id may be any text. */
const MAX_PARAM = 4_096

/** Everything that plugins can use; each plugin declares the parts it needs. */
export type AppParts = Services & WebContext

/** One encapsulated plugin each. Plugins declare their dependencies; the app does not start if one is missing. */
const CAPABILITIES: FastifyPluginAsync<AppParts>[] = [
  health,
  metricsText,
  userApi,
  deviceApi,
  sessionEvents,
  serviceApi,
  leases,
  events,
  incidentsApi,
  signedInApi,
  accountsApi,
  accountListsApi,
  replaysApi,
  personalDataApi,
  auditApi,
  pages,
  devicePages,
  staffConsole,
]

export interface AppOptions {
  tracing?: Pick<Tracing, 'plugin' | 'check'> | undefined
  /** The sign-in page at `/login`; only the demo has one. */
  signIn?: FastifyPluginAsync<AppParts> | undefined
}

/** @returns the app with all plugins loaded. @throws Error when a dependency of a plugin is missing. */
export async function buildApp(
  services: Services,
  log: FastifyBaseLogger,
  { tracing, signIn }: AppOptions = {},
) {
  const { config } = services
  const addressOf = createAddressOf(config)
  const parts: AppParts = { ...services, ...createWebContext(config, signIn ? '/login' : null, log) }
  const check = createCheckHandler({ ...parts, log, addressOf, traced: tracing?.check })

  const app = Fastify({
    loggerInstance: log,
    logController: new RequestLog(),
    bodyLimit: MAX_BODY,
    serverFactory: (rest) => createRawServer(check, rest),
    forceCloseConnections: 'idle',
    rewriteUrl: createRewrite(config.site.basePath),
    requestIdHeader: false,
    genReqId: () => crypto.randomUUID(),
    clientErrorHandler: onClientError,
    frameworkErrors: (error, request, reply) => void app.errorHandler(error, request, reply),
    routerOptions: { ignoreTrailingSlash: true, maxParamLength: MAX_PARAM },
  })
  app.setValidatorCompiler(validatorCompiler)
  app.setSerializerCompiler(serializerCompiler)
  const closeConnections = closeIdleConnectionsOnShutdown(app.server)
  app.addHook('preClose', async () => closeConnections())

  await app.register(requests, { ...parts, addressOf })
  await app.register(requestCredential, parts)
  await app.register(errorHandlers, parts)
  await app.register(streams, parts)
  if (tracing) await app.register(tracing.plugin)
  await app.register(securityHeaders, parts)
  await app.register(sessionGuard, parts)
  await app.register(keyGuard, parts)
  await app.register(staffGuard, parts)
  await app.register(openapi, { ...parts, raw: documentedCheck })
  await app.register(assets, parts)
  await app.register(async (fresh) => {
    fresh.addHook('onRequest', (_request, _reply, done) =>
      withAsOf(() => withDeadline(done, parts.deadlineMs)),
    )
    fresh.addHook('onSend', async (_request, reply) => {
      const at = asOf()
      if (at) reply.header('x-data-as-of', at.toISOString())
    })
    fresh.addHook('onRequest', createCredentialChoice(parts))
    fresh.addHook('onRequest', async (_request, reply) => void reply.header('cache-control', 'no-store'))
    for (const capability of CAPABILITIES) await fresh.register(capability, parts)
    if (signIn) await fresh.register(signIn, parts)
  })
  return app
}
