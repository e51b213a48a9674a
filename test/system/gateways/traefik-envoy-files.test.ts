/**
 * The example configurations of Traefik and Envoy, which do not run in tests, contain what the contract
 * requires.
 */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { parse } from 'yaml'
import { startService } from '../../support/service.ts'
import { examples } from './example.ts'
import { ask } from './requests.ts'

const configuration = async (...path: string[]) => parse(await readFile(join(examples, ...path), 'utf8'))

/** The spellings of an identity header, and similar names that are none. */
const IDENTITY = ['X-User-Id', 'X_user_id', 'X.user.id', 'X-Session-Id', 'X_session-Id']
const OTHERS = ['X-User-Id-2', 'X-Userid', 'X-Request-Id']

t.test("Traefik's files are YAML; all but public paths are checked, and aliases dropped", async (t) => {
  const { providers } = await configuration('traefik', 'traefik.yml')
  t.equal(providers.file.filename, 'examples/gateways/traefik/routes.yml')
  const { http } = await configuration('traefik', 'routes.yml')
  const { application, pages, websocket, preflight, 'its-own': itsOwn } = http.routers
  for (const router of [application, pages, websocket]) t.equal(router.middlewares.at(-1), 'check')
  t.ok(itsOwn.priority > preflight.priority && preflight.priority > websocket.priority)
  t.ok(websocket.priority > pages.priority && pages.priority > application.priority)
  t.match(pages.rule, /Method\(`GET`\) && HeaderRegexp\(`Accept`, `text\/html`\)/, 'scripts get the 401')
  t.same(http.middlewares['why-signed-out'].errors, {
    status: ['401'],
    service: 'global-logout',
    query: '/signed-out?return={url}',
  })
  const { address, authRequestHeaders } = http.middlewares.check.forwardAuth
  t.same(
    authRequestHeaders,
    ['Cookie', 'Authorization', 'User-Agent', 'Sec-Purpose', 'X-Session-Activity'],
    'Traefik adds X-Forwarded-For by itself',
  )
  t.equal(address, 'http://127.0.0.1:4000/check')
  for (const { forwardAuth } of [http.middlewares.check, http.middlewares['no-identity']]) {
    // JavaScript writes Go's leading (?i) as a flag.
    const identity = new RegExp(forwardAuth.authResponseHeadersRegex.replace('(?i)', ''), 'i')
    for (const name of IDENTITY) t.match(name, identity)
    for (const name of OTHERS) t.notMatch(name, identity)
  }
})

t.test('Traefik: only WebSocket is upgraded, and a preflight passes only with its own headers', async (t) => {
  const { http } = await configuration('traefik', 'routes.yml')
  const removed = (router: string): Record<string, string> =>
    Object.assign(
      {},
      ...http.routers[router].middlewares.map(
        (name: string) => http.middlewares[name].headers?.customRequestHeaders,
      ),
    )
  t.equal(removed('websocket').Upgrade, 'websocket', 'one value replaces all')
  for (const router of ['application', 'pages', 'preflight', 'its-own'])
    t.equal(removed(router).Upgrade, '', router)
  for (const router of ['application', 'pages', 'websocket', 'preflight', 'its-own'])
    t.match(removed(router), { 'X-Original-URL': '', 'X-Rewrite-URL': '', Forwarded: '' }, router)
  t.match(removed('preflight'), { Cookie: '', Authorization: '', 'X-HTTP-Method-Override': '' })
  t.equal(http.routers.preflight.middlewares.at(-1), 'no-identity')
  t.equal(http.middlewares['no-body'].buffering.maxRequestBodyBytes, 1)
  t.match(http.routers.preflight.rule, /^Method\(`OPTIONS`\) && .*`Origin`.*`Access-Control-Request-Method`/)
  const service = await startService()
  const { status, headers } = await ask(service.config.port, '/healthz', {
    headers: { origin: 'https://a.example' },
  })
  t.equal(status, 200)
  t.same([headers['x-user-id'], headers['x-session-id']], [undefined, undefined])
})

t.test("Envoy's file is YAML; it fails closed, and removes headers before the check", async (t) => {
  const { static_resources } = await configuration('envoy', 'envoy.yaml')
  const [manager] = static_resources.listeners[0].filter_chains[0].filters
  const filters = manager.typed_config.http_filters
  t.same(
    filters.map(({ name }: { name: string }) => name.split('.').at(-1)),
    ['lua', 'buffer', 'ext_authz', 'router'],
  )
  const check = filters[2].typed_config
  t.equal(check.failure_mode_allow, false)
  t.equal(check.status_on_error.code, 'ServiceUnavailable')
  t.same(
    check.allowed_headers.patterns.map(({ exact }: { exact: string }) => exact),
    ['cookie', 'user-agent', 'x-forwarded-for', 'sec-purpose', 'x-session-activity'],
  )
  t.same(check.http_service.authorization_response.allowed_upstream_headers.patterns, [
    { exact: 'x-user-id' },
    { exact: 'x-session-id' },
  ])
  t.same(manager.typed_config.upgrade_configs, [{ upgrade_type: 'websocket' }])
  const [signIn] = manager.typed_config.local_reply_config.mappers
  t.match(signIn.filter.and_filter.filters, [
    { status_code_filter: { comparison: { value: { default_value: 401 } } } },
    { header_filter: { header: { name: ':method', string_match: { exact: 'GET' } } } },
    { header_filter: { header: { name: 'accept', string_match: { contains: 'text/html' } } } },
    { header_filter: { header: { name: 'sec-fetch-mode', string_match: { exact: 'navigate' } } } },
  ])
  t.match(signIn, {
    status_code: 303,
    headers_to_add: [{ header: { value: '/sign-in?return=%REQ(:path)%' } }],
  })
  const { routes } = manager.typed_config.route_config.virtual_hosts[0]
  const [ambiguous, itsOwn, preflight, application] = routes
  t.equal(routes.length, 4)
  t.equal(ambiguous.direct_response.status, 400)
  const asked = new RegExp(`^${ambiguous.match.safe_regex.regex.replace('(?i)', '')}$`, 'i')
  for (const path of ['/login/..;/x', '/login/..%2fx', '/login%2f..%5Cx', '/a/%252E%252e', '/a\\..\\b', '/.'])
    t.match(path, asked)
  for (const path of ['/', '/.well-known/x', '/a..b/..c/d..', '/x//y', '/a%2Fb;v=1']) t.notMatch(path, asked)

  const skips = (route: Record<string, Record<string, { disabled?: boolean }>>) =>
    route.typed_per_filter_config?.['envoy.filters.http.ext_authz']?.disabled === true
  t.same(routes.map(skips), [false, true, true, false])
  t.equal(itsOwn.route.cluster, 'global_logout')
  t.equal(filters[1].typed_config.max_request_bytes, 64 * 1024)
  t.equal(application.typed_per_filter_config['envoy.filters.http.buffer'].disabled, true, 'WebSockets pass')
  t.same(
    preflight.match.headers.map(({ name }: { name: string }) => name),
    [':method', 'origin', 'access-control-request-method'],
  )
  t.same(preflight.request_headers_to_remove, ['cookie', 'authorization', 'x-http-method-override'])
  t.equal(preflight.route.upgrade_configs[0].enabled, false)
  t.equal(preflight.typed_per_filter_config['envoy.filters.http.buffer'].buffer.max_request_bytes, 1)
})
