/** The contract of `/check`, tested with requests as gateways send them. Both checkers run it. */
import { Agent, METHODS, request } from 'node:http'
import type { Test } from 'tap'
import type { Service } from '../support/service.ts'
import { within } from '../support/within.ts'

export async function checkContract(t: Test, service: Service): Promise<void> {
  const { base, cookieName, database } = service
  const ada = await service.addUser('ada')
  const laptop = await service.signIn(ada)
  const agent = new Agent({ keepAlive: true, maxSockets: 1 })
  t.teardown(() => agent.destroy())

  await t.test('a valid session gets exactly 200, an empty body and both identity headers', async (t) => {
    for (const headers of [
      { cookie: `theme=dark; ${cookieName}=${laptop.token}` },
      { authorization: `Bearer ${laptop.token}` },
    ]) {
      const response = await service.http('/check', { headers: headers as Record<string, string> })
      t.equal(response.status, 200)
      t.equal(await response.text(), '')
      t.equal(response.headers.get('x-user-id'), 'ada')
      t.equal(response.headers.get('x-session-id'), laptop.id)
      t.equal(response.headers.get('cache-control'), 'no-store')
      t.equal(response.headers.get('set-cookie'), null)
    }
  })

  await t.test('the answer says when the user signed in, and when the session ends', async (t) => {
    const { token } = await service.signIn(ada)
    const at = await ages(token)
    const now = Date.now() / 1000
    t.ok(Math.abs(now - at.created) < 120, 'signed in just now')
    t.ok(Math.abs(at.expires - at.created - 7 * 86_400) < 120, 'the idle timeout is the first bound')
    t.same(await ages(token), at, 'the same from the cache')
  })

  await t.test('a gateway can ask for a recent sign-in, and a client cannot widen it', async (t) => {
    const recent = await service.signIn(ada)
    const old = await service.signIn(ada)
    await database.psql(`update session set "createdAt" = now() - interval '10 minutes' where id = $1`, [
      old.id,
    ])
    const ask = (token: string, maxAge: string) =>
      service.http('/check', { headers: { authorization: `Bearer ${token}`, 'x-max-auth-age': maxAge } })
    for (let n = 0; n < 2; n++) {
      t.equal((await ask(recent.token, '300')).status, 200)
      t.equal((await ask(old.token, '900')).status, 200)
      const refused = await ask(old.token, '300')
      t.equal(refused.status, 401)
      const challenge = 'Bearer error="insufficient_user_authentication", max_age="300"'
      t.equal(refused.headers.get('www-authenticate'), challenge)
      t.equal(refused.headers.get('x-user-id'), null)
      t.match(await refused.json(), { code: 'insufficient_user_authentication' })
    }
    t.equal(await service.check(old.token), 200, 'the session stays valid')
    for (const both of ['99999999, 300', '300,99999999', ' 300 , 400'])
      t.equal((await ask(old.token, both)).status, 401, both)
    for (const nonsense of ['', '-1', '1e9', 'Infinity', '300, x', '0x10', '9999999999'])
      t.match(await (await ask(recent.token, nonsense)).json(), { code: 'invalid_request' }, nonsense)
    t.equal((await ask('unknown', '300')).headers.get('www-authenticate'), 'Bearer error="invalid_token"')
  })

  await t.test('prefetches and polling do not extend a session, and show as last seen', async (t) => {
    const { token, id } = await service.signIn(ada)
    const seen = async () => {
      await service.lastSeen.flush()
      const [row] = await database.psql<{ active: boolean; passive: boolean }>(
        `select "lastSeenAt" > now() - interval '1 day' as active, "passiveAt" > now() - interval '1 day' as passive from session where id = $1`,
        [id],
      )
      return row
    }
    await database.psql(`update session set "lastSeenAt" = now() - interval '2 days' where id = $1`, [id])
    for (const headers of [
      { 'x-session-activity': 'none' },
      { 'sec-purpose': 'prefetch' },
      { 'sec-purpose': 'prefetch;prerender' },
    ]) {
      await database.psql('update session set "passiveAt" = null where id = $1', [id])
      const second = await service.signIn(ada)
      await database.psql(`update session set "lastSeenAt" = now() - interval '2 days' where id = $1`, [
        second.id,
      ])
      const response = await service.http('/check', {
        headers: { authorization: `Bearer ${second.token}`, ...headers } as Record<string, string>,
      })
      t.equal(response.status, 200)
      await service.lastSeen.flush()
      const { sessions } = await service.sessions.list(ada)
      const listed = sessions.find(({ id }) => id === second.id)
      t.ok(listed && Date.now() - listed.lastSeenAt.getTime() < 120_000, `${JSON.stringify(headers)} is seen`)
      t.ok(
        listed && listed.endsAt.getTime() - Date.now() < 5.01 * 86_400_000,
        'and the end of the session has not moved',
      )
      await service.sessions.logout(second.token, 'local', { userAgent: null, ipAddress: null })
      const [ended] = await database.psql<{ seen: Date }>(
        'select last_seen_at as seen from revoked_session where session_id = $1',
        [second.id],
      )
      t.equal(
        ended?.seen.getTime(),
        listed?.lastSeenAt.getTime(),
        'the record of the ended session has it, too',
      )
    }
    for (const headers of [{ 'x-session-activity': 'yes' }, { 'sec-purpose': 'navigate' }]) {
      const response = await service.http('/check', {
        headers: { authorization: `Bearer ${token}`, ...headers } as Record<string, string>,
      })
      t.equal(response.status, 200)
    }
    t.match(await seen(), { active: true, passive: null }, 'any other request is activity')
  })

  await t.test('any method, suffix, query and body are accepted', async (t) => {
    const methods = METHODS.filter((method) => method !== 'CONNECT')
    for (const method of methods) t.equal((await raw({ method })).status, 200, method)
    const paths = [
      '/check/',
      '/check/orders/17?page=2',
      '/check?x=%',
      '/check/%zz',
      '/check/../../etc',
      '/check//a//b',
      `/check/${'a/'.repeat(3000)}`,
      '/check/a%2fb%00',
    ]
    for (const path of paths) t.equal((await raw({ path })).status, 200, path.slice(0, 40))
    for (const type of [
      'application/json',
      'application/x-www-form-urlencoded',
      'nonsense',
      'multipart/form-data; boundary=x',
    ]) {
      t.equal(
        (await raw({ method: 'POST', body: '{"broken', headers: { 'content-type': type } })).status,
        200,
        type,
      )
    }
    t.equal(
      (await raw({ method: 'POST', body: 'x'.repeat(200_000) })).status,
      200,
      'a body beyond every limit is ignored',
    )
    t.equal((await raw({ path: '/checkout' })).status, 404, '/checkout is not a check')
  })

  await t.test('no token is 401 with a bare challenge; every other refusal looks the same', async (t) => {
    const none = await service.http('/check')
    t.equal(none.status, 401)
    t.equal(none.headers.get('www-authenticate'), 'Bearer')
    t.equal(none.headers.get('cache-control'), 'no-store')
    t.match(await none.json(), { code: 'unauthenticated', status: 401, requestId: String })

    const revoked = await service.signIn(ada)
    await service.sessions.logout(revoked.token, 'local', { userAgent: null, ipAddress: null })
    const expired = await service.signIn(ada)
    await database.psql(
      `update session set expires = now() at time zone 'utc' - interval '1 second' where id = $1`,
      [expired.id],
    )
    const idle = await service.signIn(ada)
    await database.psql(`update session set "lastSeenAt" = now() - interval '7 days' where id = $1`, [
      idle.id,
    ])
    const old = await service.signIn(ada)
    await database.psql(`update session set "createdAt" = now() - interval '30 days' where id = $1`, [old.id])

    const refused: Record<string, Record<string, string>> = {
      unknown: { authorization: 'Bearer nobody-has-this' },
      revoked: { authorization: `Bearer ${revoked.token}` },
      expired: { authorization: `Bearer ${expired.token}` },
      idle: { authorization: `Bearer ${idle.token}` },
      'too old': { authorization: `Bearer ${old.token}` },
      'two session cookies that differ': { cookie: `${cookieName}=${laptop.token}; ${cookieName}=other` },
      'malformed cookie': { cookie: `${cookieName}=%zz` },
      'too long': { authorization: `Bearer ${'a'.repeat(513)}` },
      'no token after Bearer': { authorization: 'Bearer' },
      'unknown, from a browser behind a gateway': { authorization: 'Bearer unknown', accept: 'text/html' },
      'a hash from a stolen table': {
        authorization: `Bearer ${(await database.psql('select "sessionToken" as hash from session where id = $1', [laptop.id]))[0]?.hash}`,
      },
    }
    const bodies = new Set<string>()
    for (const [name, headers] of Object.entries(refused)) {
      const response = await service.http('/check', { headers })
      t.equal(response.status, 401, name)
      t.equal(response.headers.get('www-authenticate'), 'Bearer error="invalid_token"', name)
      t.equal(response.headers.get('content-type')?.split(';')[0], 'application/problem+json')
      t.equal(response.headers.get('cache-control'), 'no-store')
      if (name.includes('differ'))
        t.match(response.headers.getSetCookie()[0], `${cookieName}=;`, 'both are removed')
      else t.equal(response.headers.get('set-cookie'), null, name)
      t.equal(response.headers.get('x-user-id'), null)
      const { requestId, ...body } = (await response.json()) as { requestId: string }
      t.ok(requestId)
      bodies.add(JSON.stringify(body))
    }
    t.equal(bodies.size, 1, 'all refusals are identical')
  })

  await t.test(
    'two cookies with the same token count as one, in any spelling; an empty cookie is ignored',
    async (t) => {
      const encoded = laptop.token.replace(/^./, (first) => `%${first.charCodeAt(0).toString(16)}`)
      for (const other of [laptop.token, `"${laptop.token}"`, encoded, '', '""', ' '])
        for (const cookie of [
          `${cookieName}=${laptop.token}; ${cookieName}=${other}`,
          `${cookieName}=${other}; ${cookieName}=${laptop.token}`,
        ])
          t.equal((await service.http('/check', { headers: { cookie } })).status, 200, other)
      const bearer = { cookie: `${cookieName}=`, authorization: `Bearer ${laptop.token}` }
      t.equal((await service.http('/check', { headers: bearer })).status, 200, 'also next to a bearer token')
      t.match(await (await service.http('/check', { headers: { cookie: `${cookieName}=` } })).json(), {
        code: 'unauthenticated',
      })
    },
  )

  await t.test('forged identity headers are not echoed', async (t) => {
    const headers = { 'x-user-id': 'root', 'x-session-id': 'x', authorization: `Bearer ${laptop.token}` }
    const response = await service.http('/check', { headers })
    t.equal(response.headers.get('x-user-id'), 'ada')
    t.equal(response.headers.get('x-session-id'), laptop.id)
  })

  await t.test(
    'a user id that is not safe in a header is percent-encoded, and no two ids collide',
    async (t) => {
      const ids = ['Zoë', 'a b', 'a%20b', 'x\r\nX-Admin: 1', '日本', 'plain@example.com']
      const seen = new Set<string | null>()
      for (const id of ids) {
        await service.addUser(id)
        const { token } = await service.signIn(id)
        const response = await service.http('/check', { headers: { authorization: `Bearer ${token}` } })
        const header = response.headers.get('x-user-id')
        t.equal(decodeURIComponent(header ?? ''), id)
        t.equal(response.headers.get('x-admin'), null)
        seen.add(header)
      }
      t.equal(seen.size, ids.length)
    },
  )

  async function ages(token: string) {
    const { headers } = await service.http('/check', { headers: { authorization: `Bearer ${token}` } })
    const [created, expires] = ['x-session-created', 'x-session-expires'].map((name) => headers.get(name))
    t.match(`${created} ${expires}`, /^\d{10} \d{10}$/)
    return { created: Number(created), expires: Number(expires) }
  }

  /** Sends a request unchanged, as a gateway does; `fetch` would normalize it. */
  function raw({
    method = 'GET',
    path = '/check',
    body = '',
    headers = {},
  }: {
    method?: string
    path?: string
    body?: string
    headers?: Record<string, string>
  }) {
    const answer = new Promise<{ status: number }>((done, fail) => {
      const url = new URL(base)
      const sent = request(
        {
          host: url.hostname,
          port: url.port,
          method,
          path,
          agent,
          headers: {
            authorization: `Bearer ${laptop.token}`,
            ...(body && { 'content-length': Buffer.byteLength(body) }),
            ...headers,
          },
        },
        (response) => response.resume().on('end', () => done({ status: response.statusCode ?? 0 })),
      )
      sent.on('error', fail)
      sent.end(body)
    })
    return within(`the answer to ${method} ${path}`, answer)
  }
}
