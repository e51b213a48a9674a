/** Contract: requests arrive unchanged, and the pages of the service work through the gateway. */
import { waitFor } from '../../support/within.ts'
import { received } from './requests.ts'
import type { Contract } from './rig.ts'

const LONG = Array.from({ length: 200_000 }, (_, at) => `${at} `).join('')

export const passing: Contract = {
  'every method and every body arrives unchanged': async (t, rig) => {
    const { laptop } = await rig.signIn()
    const headers = { ...rig.cookie(laptop.token), 'content-type': 'text/plain' }
    for (const method of ['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'PROPFIND']) {
      const answer = await rig.ask('/method', { method, headers })
      t.equal(received(answer.text).line, `${method} /method HTTP/1.1`)
    }
    t.equal((await rig.ask('/head', { method: 'HEAD', headers })).status, 200)
    t.ok(await rig.applicationSaw('HEAD /head '))

    const bodies = { small: 'a=1&b=2', large: LONG }
    for (const [size, body] of Object.entries(bodies)) {
      for (const chunked of [false, true]) {
        for (const method of ['POST', 'PUT', 'PATCH', 'DELETE']) {
          const answer = await rig.ask('/body', { method, headers, body, chunked })
          t.ok(received(answer.text).body === body, `${method}, ${size}${chunked ? ', in chunks' : ''}`)
        }
      }
    }
    const refused = await rig.ask('/refused-body', { method: 'POST', body: 'x' })
    t.equal(refused.status, 401)
    t.notOk(await rig.applicationSaw('/refused-body'))
  },

  'long paths, queries and encoded characters arrive unchanged': async (t, rig) => {
    const { laptop } = await rig.signIn()
    const headers = rig.cookie(laptop.token)
    const paths = [
      '/a%2Fb%2fc/%7Euser/%20/;v=1',
      '/search?q=a%2Fb&next=%2Flogin%3Fx%3D1&plus=a+b&empty=&=&&',
      '/check/x?y',
      '/x//y',
      `/${'long/'.repeat(1200)}?${'q=1&'.repeat(200)}`,
    ]
    for (const path of paths) {
      const answer = await rig.ask(path, { headers })
      t.equal(received(answer.text).line, `GET ${path} HTTP/1.1`, path.slice(0, 60))
    }
  },

  'no spelling of a public path reaches the application unchecked': async (t, rig) => {
    const paths = [
      '/login/../hidden',
      '/sessions/../hidden',
      '/sessions/%2e%2e/hidden',
      '/assets/..%2Fhidden',
      '/api/sessions/x/../../../hidden',
      '//hidden',
      '/hidden?/login',
      '/hidden%3F/assets/',
      '/hidden;/login',
      '/login%00/hidden',
      'http://a/hidden',
      '*',
    ]
    for (const path of paths) {
      const { status } = await rig.exchange([`GET ${path} HTTP/1.1`, 'Host: a'])
      t.ok(status >= 400 && status < 500, `${status} for ${path}`)
    }
    t.notOk(await rig.applicationSaw('hidden'))
  },

  'users sign out through the gateway, and see why they are signed out': async (t, rig) => {
    const { laptop, phone } = await rig.signIn()
    const headers = { ...rig.cookie(laptop.token), 'sec-fetch-site': 'same-origin' }
    const page = await rig.ask('/logout', { headers })
    t.match(page.text, 'name="scope"')
    const [, style = ''] = /href="(\/assets\/[^"]+)"/.exec(page.text) ?? []
    t.equal((await rig.ask(style)).status, 200)
    t.equal((await rig.ask('/api/sessions', { headers })).status, 200)
    t.match((await rig.ask('/devices', { headers })).text, 'Your devices')
    const ended = await rig.ask(`/api/sessions/${phone.id}`, { method: 'DELETE', headers })
    t.equal(ended.status, 200)

    const out = await rig.ask('/logout', {
      method: 'POST',
      headers: {
        ...headers,
        'content-type': 'application/x-www-form-urlencoded',
        'x-forwarded-for': '198.51.100.9',
        forwarded: 'for=198.51.100.9',
      },
      body: 'scope=global',
    })
    t.equal(out.status, 303)
    t.equal(out.headers.location, '/signed-out')
    t.match(out.headers['set-cookie']?.[0], `${rig.localService.cookieName}=;`)
    t.equal((await rig.ask('/signed-out')).status, 200)
    t.equal((await rig.ask('/orders', { headers })).status, 401)
    const [recorded] = await rig.localService.database.psql(
      `select host(ip_address) as address from operation where scope = 'global' order by at desc limit 1`,
    )
    t.equal(recorded?.address, '127.0.0.1', 'and the address, not the one that the client claims')
  },

  'a page with an open stream learns of a logout elsewhere': async (t, rig) => {
    const { laptop, phone } = await rig.signIn()
    const cookie = `Cookie: ${rig.localService.cookieName}=${laptop.token}`
    const { status, socket } = await rig.open(['GET /api/session/events HTTP/1.1', 'Host: a', cookie])
    t.equal(status, 200)
    let heard = ''
    socket.setEncoding('utf8').on('data', (text: string) => {
      heard += text
    })
    socket.resume()
    await waitFor('beginning of the stream', () => heard.includes(': following'))
    t.notMatch(heard, 'ended')
    await rig.localService.sessions.logout(phone.token, 'global', { userAgent: null, ipAddress: null })
    await waitFor('end of the session in the stream', () => heard.includes('event: ended'))
    socket.destroy()
  },

  'a callbackUrl that is too long keeps no session alive': async (t, rig) => {
    const { laptop } = await rig.signIn()
    const headers = { ...rig.cookie(laptop.token), 'sec-fetch-site': 'same-origin' }
    const out = await rig.ask('/logout', {
      method: 'POST',
      headers: { ...headers, 'content-type': 'application/x-www-form-urlencoded' },
      body: `scope=global&callbackUrl=/${'a'.repeat(50_000)}`,
    })
    t.equal(out.status, 303)
    t.equal((await rig.ask('/orders', { headers })).status, 401)
  },

  "the application's own answers arrive unchanged": async (t, rig) => {
    const { laptop } = await rig.signIn()
    for (const status of [204, 302, 401, 403, 404, 500, 502, 503]) {
      const answer = await rig.ask(`/status/${status}`, { headers: rig.cookie(laptop.token) })
      t.equal(answer.status, status)
      if (status !== 204) t.match(answer.text, `GET /status/${status}`)
      t.notOk(answer.headers['retry-after'])
      t.notOk(answer.headers['www-authenticate'])
    }
  },
}
