/** nginx, configured as in `examples/gateways/nginx`, keeps the contract of every gateway. */
import { freePort } from '../../support/ports.ts'
import { startService } from '../../support/service.ts'
import { testContract } from './contract.ts'
import { gatewayTest, startExample } from './example.ts'
import { ask } from './requests.ts'
import { startRig } from './rig.ts'

testContract('nginx')

const CACHE = `http {
  proxy_cache_path cache keys_zone=everything:1m;
  proxy_cache everything;
  proxy_cache_valid any 1h;
  proxy_ignore_headers Cache-Control Set-Cookie;
`

gatewayTest('nginx', 'a cache in front of the application never stores the answer of a check', async (t) => {
  const rig = await startRig(t, 'nginx', (text) => text.replace('http {\n', CACHE))
  const { laptop } = await rig.signIn()
  const headers = rig.cookie(laptop.token)
  const [first, second] = [await rig.ask('/cached', { headers }), await rig.ask('/cached', { headers })]
  t.same([first.status, second.status], [200, 200])
  t.equal(await rig.applicationSaw('/cached'), 1, "the cache does store the application's answer")
  await rig.localService.sessions.logout(laptop.token, 'local', { userAgent: null, ipAddress: null })
  t.equal((await rig.ask('/cached', { headers })).status, 401)
})

const LARGER = 'http {\n  large_client_header_buffers 4 256k;\n'

gatewayTest(
  'nginx',
  'a Cookie that is too long for the service gets 431, even behind larger buffers',
  async (t) => {
    const rig = await startRig(t, 'nginx', (text) =>
      text.replace(/.*large_client_header_buffers.*\n/, '').replace('http {\n', LARGER),
    )
    const { laptop } = await rig.signIn()
    const { cookie } = rig.cookie(laptop.token)
    for (const kilobytes of [65, 100, 200, 250]) {
      const long = `a=${'x'.repeat(kilobytes * 1024)}; ${cookie}`
      const longer = await rig.ask('/longer', { headers: { cookie: long } })
      t.equal(longer.status, 431, `${kilobytes} KB`)
      t.notOk(longer.headers['retry-after'], 'a retry would not help')
    }
    t.equal((await rig.ask('/again', { headers: { cookie } })).status, 200)
    t.notOk(await rig.applicationSaw('/longer'))
  },
)

gatewayTest('nginx', 'the body of a checked request is limited as the operator configured', async (t) => {
  const rig = await startRig(t, 'nginx', (text) =>
    text.replace(/client_max_body_size (100m|0);/, 'client_max_body_size 1m;'),
  )
  const { laptop } = await rig.signIn()
  const body = 'x'.repeat(2_000_000)
  for (const chunked of [false, true]) {
    const { status } = await rig.ask('/too-long', {
      method: 'POST',
      headers: rig.cookie(laptop.token),
      body,
      chunked,
    })
    t.equal(status, 413)
  }
  t.notOk(await rig.applicationSaw('/too-long'))
})

gatewayTest('nginx', 'with BASE_PATH, one path of the host leads to all pages of the service', async (t) => {
  const gateway = await freePort()
  const service = await startService({
    env: {
      PUBLIC_URL: `http://127.0.0.1:${gateway}`,
      BASE_PATH: '/account',
      SIGN_IN_URL: '/login?to={return}',
    },
  })
  const ports = { service: service.config.port, application: await freePort(), gateway }
  await startExample(t, 'nginx', ports, (text) =>
    text
      .replace(/location ~ \^\/\(login.*\{/, 'location /account/ {')
      .replace('303 /sign-in', '303 /account/sign-in'),
  )
  const { token } = await service.signIn(await service.addUser())
  const headers = { cookie: `${service.cookieName}=${token}`, 'sec-fetch-site': 'same-origin' }
  const page = await ask(gateway, '/account/devices', { headers })
  t.equal(page.status, 200)
  const [, style = ''] = /href="(\/account\/assets\/[^"]+)"/.exec(page.text) ?? []
  t.equal((await ask(gateway, style)).status, 200)
  t.equal((await ask(gateway, '/account/api/session', { headers })).status, 200)
  t.match(
    (await ask(gateway, '/devices', { headers })).text,
    /^GET \/devices/,
    "this path is the application's",
  )
  t.equal((await ask(gateway, '/account/metrics')).status, 404)
  const refused = await ask(gateway, '/orders?a=1&b=2', { headers: { accept: 'text/html' } })
  t.equal(refused.headers.location, '/account/sign-in?return=/orders?a=1&b=2')
  const signIn = await ask(gateway, refused.headers.location ?? '')
  const back = encodeURIComponent(`http://127.0.0.1:${gateway}/orders?a=1&b=2`)
  t.equal(signIn.headers.location, `http://127.0.0.1:${gateway}/login?to=${back}`)
  const form = { ...headers, 'content-type': 'application/x-www-form-urlencoded' }
  const out = await ask(gateway, '/account/logout', { method: 'POST', headers: form, body: 'scope=global' })
  t.equal(out.headers.location, '/account/signed-out')
  t.equal((await ask(gateway, '/devices', { headers })).status, 401)
})
