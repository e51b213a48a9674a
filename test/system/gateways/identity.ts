/** Contract: signed-in users pass with their own identity, and no other request passes. */
import { Agent } from 'node:http'
import { received } from './requests.ts'
import type { Contract } from './rig.ts'

/**
 * The characters of header names besides letters, digits and hyphens (RFC 9110, 5.6.2). Some servers read
 * them as `_`.
 */
const SEPARATORS = "_.!#$%&'*+^`|~"

export const identity: Contract = {
  'a signed-in user passes, and the application gets the identity': async (t, rig) => {
    const { id, laptop } = await rig.signIn('Zoë 100%')
    for (const headers of [rig.cookie(laptop.token), { authorization: `Bearer ${laptop.token}` }]) {
      const elsewhere = { 'x-forwarded-for': '198.51.100.9', forwarded: 'for=198.51.100.9' }
      const answer = await rig.ask('/orders', { headers: { ...headers, ...elsewhere } })
      t.equal(answer.status, 200)
      const { all } = received(answer.text)
      t.same(all('x-user-id'), [encodeURIComponent(id)], 'once, as the service wrote it')
      t.same(all('x-session-id'), [laptop.id])
      t.same(all('host'), [`127.0.0.1:${rig.ports.gateway}`])
      t.same(
        all('x-forwarded-for'),
        ['127.0.0.1'],
        'the address of the connection, not the one that the client claims',
      )
      t.same(all('forwarded'), [])
    }
  },

  'a request without a valid session gets 401 with a challenge, and does not arrive': async (t, rig) => {
    const { id, laptop, phone } = await rig.signIn()
    const gone = await rig.localService.signIn(id)
    await rig.localService.sessions.logout(gone.token, 'local', { userAgent: null, ipAddress: null })
    const { cookieName } = rig.localService
    const refused: Record<string, Record<string, string>> = {
      'no credentials': {},
      unknown: rig.cookie('nobody-has-this'),
      revoked: rig.cookie(gone.token),
      garbage: { cookie: `${cookieName}=%zz; =;;=` },
      'two cookies that differ': { cookie: `${cookieName}=${laptop.token}; ${cookieName}=${phone.token}` },
      'a bearer token with the cookie of an ended session': {
        ...rig.cookie(gone.token),
        authorization: `Bearer ${laptop.token}`,
      },
    }
    for (const [who, headers] of Object.entries(refused)) {
      const answer = await rig.ask('/refused', { headers })
      t.equal(answer.status, 401, who)
      const challenge = who === 'no credentials' ? 'Bearer' : 'Bearer error="invalid_token"'
      t.equal(answer.headers['www-authenticate'], challenge, who)
      const removed = answer.headers['set-cookie'] ?? []
      t.ok(
        removed.every((line) => who === 'two cookies that differ' && line.startsWith(`${cookieName}=;`)),
        `${who}: ${removed}`,
      )
    }
    const why = await rig.ask('/signed-out', { headers: refused['two cookies that differ'] ?? {} })
    t.match(why.headers['set-cookie'], [`${cookieName}=;`], 'both are removed by the page that explains it')
    const twoLines = [laptop, phone].map(({ token }) => `Cookie: ${cookieName}=${token}`)
    t.equal(
      (await rig.exchange(['GET /refused HTTP/1.1', 'Host: a', ...twoLines])).status,
      401,
      'on two lines',
    )
    t.notOk(await rig.applicationSaw('/refused'))
  },

  'a browser that opens a page signs in and comes back; a script gets the 401': async (t, rig) => {
    const { laptop } = await rig.signIn()
    const page = { accept: 'text/html,application/xhtml+xml', 'sec-fetch-mode': 'navigate' }
    const asked = '/orders?page=2&sort=a%26b&return=/x'
    const { 'sec-fetch-mode': _, ...old } = page
    for (const headers of [page, old]) {
      const sent = await rig.ask(asked, { headers })
      t.equal(sent.status, 303)
      t.match(sent.headers.location, /^\/sign-in/, 'a path: the gateway may not know its origin')
      const onward = await rig.ask(sent.headers.location ?? '', { headers })
      t.equal(onward.status, 303)
      const signIn = new URL(onward.headers.location ?? '')
      const origin = `http://127.0.0.1:${rig.ports.gateway}`
      t.equal(signIn.origin + signIn.pathname, `${origin}/login`)
      t.equal(signIn.searchParams.get('callbackUrl'), origin + asked)
    }
    await rig.localService.sessions.logout(laptop.token, 'global', { userAgent: null, ipAddress: null })
    const ended = { ...page, ...rig.cookie(laptop.token) }
    const told = await rig.ask((await rig.ask(asked, { headers: ended })).headers.location ?? '', {
      headers: ended,
    })
    t.match(told.headers.location, /^\/signed-out\?return=/)
    const why = await rig.ask(told.headers.location ?? '', { headers: ended })
    t.match(why.text, 'You signed out everywhere')
    const onward = `callbackUrl=${encodeURIComponent(`http://127.0.0.1:${rig.ports.gateway}${asked}`)}"`
    t.match(why.text, onward, 'and leads to the sign-in')

    const programs: Record<string, string>[] = [
      { accept: 'application/json' },
      { ...page, 'sec-fetch-mode': 'cors' },
      { accept: '*/*' },
    ]
    for (const headers of programs) {
      const refused = await rig.ask(asked, { headers })
      t.equal(refused.status, 401, JSON.stringify(headers))
      t.equal(refused.headers['www-authenticate'], 'Bearer')
    }
    t.equal((await rig.ask(asked, { method: 'POST', headers: page })).status, 401)
    t.notOk(await rig.applicationSaw('/orders?page=2'))
  },

  'no spelling of a forged identity arrives': async (t, rig) => {
    const { id, laptop } = await rig.signIn()
    const separators = ['-', ...SEPARATORS]
    const names = separators.flatMap((one) =>
      separators.flatMap((two) => [
        `X${one}User${two}ID`,
        `x${one}session${two}id`,
        `X${one}SESSION${two}Id`,
      ]),
    )
    // Some gateways limit the number of headers, so they are sent in several requests.
    for (let at = 0; at < names.length; at += 45) {
      const forged = names.slice(at, at + 45).map((name) => `${name}: forged!`)
      const cookie = `Cookie: ${rig.localService.cookieName}=${laptop.token}`
      const { status, text } = await rig.exchange(['GET /forged HTTP/1.1', 'Host: a', cookie, ...forged])
      t.equal(status, 200)
      t.match(text.toLowerCase(), `x-user-id: ${id}`)
      t.notMatch(text, 'forged!')
    }
    for (const odd of [
      'X-User-ID : forged!',
      ' X-User-ID: forged!',
      'X-Odd: a\r\n X-User-ID: forged!',
      'X-User-ID:forged!',
    ]) {
      const cookie = `Cookie: ${rig.localService.cookieName}=${laptop.token}`
      const { status, text } = await rig.exchange(['GET /forged HTTP/1.1', 'Host: a', cookie, odd])
      t.ok([200, 400, 401].includes(status), `${status} for ${JSON.stringify(odd)}`)
      t.notMatch(text, /^ *x-user-id ?: ?forged!/im)
    }
    const alone = await rig.exchange(['GET /forged/alone HTTP/1.1', 'Host: a', 'X-User-ID: forged!'])
    t.equal(alone.status, 401, 'a forged identity alone does not pass')
  },

  'a client cannot make the gateway remove its identity': async (t, rig) => {
    const { id, laptop } = await rig.signIn()
    const { text } = await rig.exchange([
      'GET /removed HTTP/1.1',
      'Host: a',
      `Cookie: ${rig.localService.cookieName}=${laptop.token}`,
      'Connection: close, X-User-ID, X-Session-ID, Cookie',
    ])
    t.match(text.toLowerCase(), `x-user-id: ${id}`)
    t.match(text.toLowerCase(), `x-session-id: ${laptop.id}`)
    t.notMatch(text, /connection: .*x-user-id/i, 'nor by the next proxy')
    const { message } = await rig.upgrade('/removed', {
      ...rig.cookie(laptop.token),
      connection: 'Upgrade, X-User-ID',
      upgrade: 'websocket',
    })
    t.match(message.toLowerCase(), `x-user-id: ${id}`)
    t.notMatch(message, /connection: .*x-user-id/i)
  },

  'after a logout elsewhere, the next request of an open connection gets 401': async (t, rig) => {
    const { laptop, phone } = await rig.signIn()
    const agent = new Agent({ keepAlive: true, maxSockets: 1 })
    t.teardown(() => agent.destroy())
    const asLaptop = (path: string) => rig.ask(path, { agent, headers: rig.cookie(laptop.token) })
    t.equal((await asLaptop('/before')).status, 200)
    const everywhere = {
      method: 'POST',
      headers: { authorization: `Bearer ${phone.token}`, 'content-type': 'application/json' },
      body: '{"scope":"global"}',
    }
    t.equal((await rig.ask('/api/logout', everywhere)).status, 200)
    const after = await asLaptop('/after')
    t.equal(after.status, 401)
    t.ok(after.reused, 'on the same connection')
    t.notOk(await rig.applicationSaw('/after'))
  },
}
