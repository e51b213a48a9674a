/**
 * The service answers requests as Traefik and Envoy send them, according to their sources (Traefik 3,
 * pkg/middlewares/auth/forward.go; Envoy, ext_authz.proto). Traefik and Envoy themselves do not run in tests.
 */
import t, { type Test } from 'tap'
import { admin } from '../../support/server.ts'
import { startService } from '../../support/service.ts'
import { ask } from './requests.ts'

const service = await startService()
const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']

interface Asked {
  method: string
  /** The original request line. */
  path: string
  /** The original headers. */
  headers: Record<string, string>
}

/** `forwardAuth`: GET to its address, with the configured headers and those of the original request. */
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

  t.test(`/check answers correctly to requests as ${name} sends them`, async (t) => {
    const ada = await service.addUser(`ada of ${name}`)
    const { token, id } = await service.signIn(ada)
    const cookie = `theme=dark; ${service.cookieName}=${token}`
    const client = {
      'content-type': 'application/json',
      'x-user-id': 'forged!',
      x_user_id: 'forged!',
      'x.user.id': 'forged!',
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
