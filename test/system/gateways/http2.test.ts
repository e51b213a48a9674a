/** Over HTTP/2, each request is checked and forged identities are removed, as over HTTP/1.1. */
import type { Test } from 'tap'
import { GATEWAYS, type GatewayName, gatewayTest } from './example.ts'
import { received } from './requests.ts'
import { startRig } from './rig.ts'

/** One changed line in each configuration. HAProxy speaks HTTP/2 by default. */
const SPEAKS: Record<GatewayName, (text: string) => string> = {
  nginx: (text) => text.replace(/listen ([\d.:]+);/, 'listen $1 http2;'),
  caddy: (text) => text.replace('\tservers {\n', '\tservers {\n\t\tprotocols h1 h2c\n'),
  haproxy: (text) => text,
}
const PREFLIGHT = { origin: 'https://other.example', 'access-control-request-method': 'PUT' }
const FORGED = { 'x-user-id': 'forged!', x_user_id: 'forged!', 'x.session.id': 'forged!' }

for (const name of GATEWAYS)
  gatewayTest(name, `${name} checks requests over HTTP/2 alike`, (t) => alike(t, name))

async function alike(t: Test, name: GatewayName) {
  const rig = await startRig(t, name, SPEAKS[name])
  const { id, laptop } = await rig.signIn()
  const signedIn = rig.cookie(laptop.token)

  const passed = await rig.askHttp2({ ':path': '/h2', ...signedIn, ...FORGED })
  t.equal(passed.status, 200)
  t.same(received(passed.text.toLowerCase()).all('x-user-id'), [id])
  t.notMatch(passed.text, 'forged!')
  t.equal((await rig.askHttp2({ ':path': '/refused', ...FORGED })).status, 401)

  const preflight = await rig.askHttp2({ ':method': 'OPTIONS', ':path': '/pre', ...PREFLIGHT, ...FORGED })
  t.equal(preflight.status, 200)
  t.notMatch(preflight.text, /^x-(user|session)-id/im)
  const withMore = { ':method': 'OPTIONS', ':path': '/refused', ...PREFLIGHT }
  await rig.askHttp2(withMore, { body: 'has a body' })
  const trailers = { 'x-user-id': 'forged!' }
  const trailing = await rig.askHttp2({ ...withMore, ':path': '/pre' }, { trailers })
  t.notMatch(trailing.text, 'forged!')

  const tunnel = { ':method': 'CONNECT', ':authority': 'a:80' }
  const handshake = { ':scheme': 'http', ':path': '/refused', ...signedIn }
  const smuggled = { body: 'GET /smuggled HTTP/1.1\r\nHost: a\r\nX-User-ID: forged!\r\n\r\n' }
  for (const more of [
    signedIn,
    { ':protocol': 'h2c', ...handshake },
    { ':protocol': 'websocket', ...handshake },
  ]) {
    const { status } = await rig.askHttp2({ ...tunnel, ...more }, smuggled)
    t.ok(status === undefined || status >= 400, `${status}`)
  }
  for (const path of ['/login/../refused', '/login/%2e%2e/refused', 'login/../refused', '/refused#/login']) {
    const { status } = await rig.askHttp2({ ':path': path, ...signedIn })
    t.ok(status === undefined || status === 400, `${status} for ${path}`)
  }
  const large = await rig.askHttp2({ ':method': 'POST', ':path': '/logout' }, { body: 'x'.repeat(400_000) })
  t.ok(large.status === undefined || large.status >= 400, `${large.status} for a large body`)
  t.notOk(await rig.applicationSaw('/refused'))
  t.notOk(await rig.applicationSaw('/smuggled'))
}
