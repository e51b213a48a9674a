/**
 * Traefik and Envoy, which cannot be had here: the service is asked with requests of the shape that they send, after
 * their sources (Traefik 3, pkg/middlewares/auth/forward.go; Envoy, ext_authz.proto). Their own part stays untried; of
 * their configuration it is checked that it is YAML and says what it must.
 */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { parse } from 'yaml'
import { admin } from '../support/server.ts'
import { startService } from '../support/service.ts'
import { examples } from './example.ts'
import { ask } from './requests.ts'

const service = await startService()
const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']

interface Asked {
  method: string
  /** What the client asked for. */
  path: string
  /** What it sent. */
  headers: Record<string, string>
}

/** `forwardAuth`: GET to its address, with the headers it was told to pass on and those of the original request. */
const traefik = ({ method, path, headers }: Asked) => ({
  path: '/check',
  method: 'GET',
  headers: {
    ...headers,
    'X-Forwarded-For': '198.51.100.9',
    'X-Forwarded-Host': 'app.example.com',
    'X-Forwarded-Method': method,
    'X-Forwarded-Port': '443',
    'X-Forwarded-Proto': 'https',
    'X-Forwarded-Uri': path,
  },
})

/** `ext_authz`: the original method and path behind the prefix, credentials, an empty body, and Envoy's own headers. */
const envoy = ({ method, path, headers: { cookie, authorization } }: Asked) => ({
  path: `/check${path}`,
  method,
  headers: {
    host: '127.0.0.1:4000',
    ...(cookie && { cookie }),
    ...(authorization && { authorization }),
    'content-length': '0',
    'x-envoy-expected-rq-timeout-ms': '3000',
    'x-envoy-internal': 'true',
    'x-forwarded-for': '127.0.0.1',
  },
})

for (const [name, shape] of Object.entries({ traefik, envoy })) {
  const check = (asked: Asked) => {
    const { path, ...request } = shape(asked)
    return ask(service.config.port, path, request)
  }

  t.test(`asked as ${name} asks, /check answers as it must`, async (t) => {
    const ada = await service.addUser(`ada of ${name}`)
    const { token, id } = await service.signIn(ada)
    const cookie = `theme=dark; ${service.cookieName}=${token}`
    const client = {
      'content-type': 'application/json',
      'x-user-id': 'root',
      x_user_id: 'root',
      'x.user.id': 'root',
    }
    const paths = ['/', '/orders?page=2', '/a%2Fb/../c//d;x?y=%zz', `/${'long/'.repeat(1500)}`]
    for (const method of METHODS) {
      for (const path of paths) {
        for (const credential of [{ cookie }, { authorization: `Bearer ${token}` }]) {
          const answer = await check({ method, path, headers: { ...client, ...credential } })
          t.equal(answer.status, 200, `${method} ${path.slice(0, 30)}`)
          t.equal(answer.headers['x-user-id'], encodeURIComponent(ada))
          t.equal(answer.headers['x-session-id'], id)
          t.equal(answer.text, '')
        }
      }
    }
    await refuses(t, check, cookie)
  })
}

async function refuses(t: Test, check: (asked: Asked) => ReturnType<typeof ask>, cookie: string) {
  const refused = {
    none: '',
    unknown: `${service.cookieName}=unknown`,
    two: `${cookie}; ${service.cookieName}=b`,
  }
  for (const [who, cookie] of Object.entries(refused)) {
    const answer = await check({ method: 'POST', path: '/orders', headers: { cookie } })
    t.equal(answer.status, 401, who)
    t.match(answer.headers['www-authenticate'], /^Bearer/)
    t.notOk(answer.headers['x-user-id'])
  }
  await admin(service.database.url, async (client) => {
    await client.query('begin; lock table session in access exclusive mode')
    const answer = await check({ method: 'POST', path: '/orders', headers: { cookie } })
    t.equal(answer.status, 503)
    t.equal(answer.headers['retry-after'], '1')
    await client.query('rollback')
  })
}

const configuration = async (...path: string[]) => parse(await readFile(join(examples, ...path), 'utf8'))

t.test("Traefik's files are YAML; what is not public is checked, and aliases are dropped", async (t) => {
  const { providers } = await configuration('traefik', 'traefik.yml')
  t.equal(providers.file.filename, 'examples/gateways/traefik/routes.yml')
  const { http } = await configuration('traefik', 'routes.yml')
  t.same(http.routers.application.middlewares, ['check'])
  t.ok(http.routers['its-own'].priority > http.routers.application.priority)
  const { address, authRequestHeaders, authResponseHeadersRegex } = http.middlewares.check.forwardAuth
  t.same(authRequestHeaders, ['Cookie', 'Authorization', 'User-Agent'], 'it adds X-Forwarded-For by itself')
  t.equal(address, 'http://127.0.0.1:4000/check')
  // JavaScript writes Go's leading (?i) as a flag.
  const identity = new RegExp(authResponseHeadersRegex.replace('(?i)', ''), 'i')
  for (const name of ['X-User-Id', 'X_user_id', 'X.user.id', 'X-Session-Id', 'X_session-Id'])
    t.match(name, identity)
  for (const name of ['X-User-Id-2', 'X-Userid', 'X-Request-Id']) t.notMatch(name, identity)
})

t.test("Envoy's file is YAML; it fails closed, and strips before it asks", async (t) => {
  const { static_resources } = await configuration('envoy', 'envoy.yaml')
  const [manager] = static_resources.listeners[0].filter_chains[0].filters
  const filters = manager.typed_config.http_filters
  t.same(
    filters.map(({ name }: { name: string }) => name.split('.').at(-1)),
    ['lua', 'ext_authz', 'router'],
  )
  const check = filters[1].typed_config
  t.equal(check.failure_mode_allow, false)
  t.equal(check.status_on_error.code, 'ServiceUnavailable')
  t.same(
    check.allowed_headers.patterns.map(({ exact }: { exact: string }) => exact),
    ['cookie', 'user-agent', 'x-forwarded-for'],
  )
  t.same(check.http_service.authorization_response.allowed_upstream_headers.patterns, [
    { exact: 'x-user-id' },
    { exact: 'x-session-id' },
  ])
  const routes = manager.typed_config.route_config.virtual_hosts[0].routes
  const open = routes.filter((route: object) => 'typed_per_filter_config' in route)
  t.same(
    open.map(({ route }: { route: { cluster: string } }) => route.cluster),
    ['global_logout'],
    'only the service itself is asked unchecked',
  )
})
