/** nginx, configured as in `examples/gateways/nginx`, keeps the contract of every gateway. */
import { holdsContract } from './contract.ts'
import { gatewayTest } from './example.ts'
import { startRig } from './rig.ts'

holdsContract('nginx')

const CACHE = `http {
  proxy_cache_path cache keys_zone=everything:1m;
  proxy_cache everything;
  proxy_cache_valid any 1h;
  proxy_ignore_headers Cache-Control Set-Cookie;
`

gatewayTest('nginx', 'a cache for everything else remembers no check', async (t) => {
  const rig = await startRig(t, 'nginx', (text) => text.replace('http {\n', CACHE))
  const { laptop } = await rig.signIn()
  const headers = rig.cookie(laptop.token)
  const [first, second] = [await rig.ask('/cached', { headers }), await rig.ask('/cached', { headers })]
  t.same([first.status, second.status], [200, 200])
  t.equal(await rig.applicationSaw('/cached'), 1, 'the cache does remember what the application said')
  await rig.people.sessions.logout(laptop.token, 'local', { userAgent: null, ipAddress: null })
  t.equal((await rig.ask('/cached', { headers })).status, 401)
})
