/** Each request gets one answer, whatever follows it: a proxy could send a second answer to another user. */
import t from 'tap'
import { raw, rawConnection, statuses } from '../support/raw.ts'
import { startService } from '../support/service.ts'

const service = await startService()
const { base } = service
const { token } = await service.signIn(await service.addUser('ada'))
const { key } = await service.keyFor('introspect')
const bearer = (secret: string) => `Authorization: Bearer ${secret}\r\n`
const head = (line: string, headers = '') => `${line} HTTP/1.1\r\nHost: app\r\n${headers}\r\n`
/** Longer than a request may take to arrive. */
const PATIENCE_MS = 20_000

/** Bodies that start and never end. */
const ENDLESS: [how: string, headers: string, body: string][] = [
  ['chunked', 'Transfer-Encoding: chunked\r\n', '5\r\nhello\r\n'],
  ['with a length', 'Content-Length: 100\r\n', 'hello'],
]

t.test('a body that never ends gets one answer, and then the connection is closed', async (t) => {
  const cases: [what: string, line: string, headers: string, answers: number[]][] = [
    ['a check of a valid session', 'POST /check', bearer(token), [200]],
    ['a check below /check', 'PUT /check/orders/17', bearer(token), [200]],
    ['a check in absolute form', 'POST http://app/check', bearer(token), [200]],
    ['a check without a session', 'POST /check', '', [401]],
    [
      'a check that announces its body',
      'POST /check',
      `${bearer(token)}Expect: 100-continue\r\n`,
      [100, 200],
    ],
    ['a check with an unknown expectation', 'POST /check', `${bearer(token)}Expect: wonders\r\n`, [200]],
    ['a call without a key', 'POST /introspect', 'Content-Type: application/json\r\n', [401]],
    ['a call with a wrong key', 'POST /introspect', bearer('glk_wrong'), [401]],
    ['an unknown path', 'POST /nothing', 'Content-Type: image/png\r\n', [404]],
    ['a body that is not read', `DELETE /api/sessions/${crypto.randomUUID()}`, bearer(token), [404]],
    [
      'a type that is not supported',
      'POST /api/logout',
      `${bearer(token)}Content-Type: image/png\r\n`,
      [415],
    ],
    [
      'a body that has to be read',
      'POST /introspect',
      `${bearer(key)}Content-Type: application/json\r\n`,
      [408],
    ],
    ['a check with two bodies', 'POST /check', `${bearer(token)}Content-Length: 3\r\n`, [400]],
  ]
  await Promise.all(
    cases.flatMap(([what, line, headers, answers]) =>
      ENDLESS.map(async ([how, framing, body]) => {
        const connection = rawConnection(base, head(line, headers + framing) + body)
        t.same(statuses(await connection.closed(PATIENCE_MS)), answers, `${what}, ${how}`)
      }),
    ),
  )
})

t.test('a body that becomes invalid after its answer gets no second answer', async (t) => {
  for (const path of ['/check', '/nothing']) {
    const opening = head(`POST ${path}`, `${bearer(token)}Transfer-Encoding: chunked\r\n`)
    const connection = rawConnection(base, `${opening}5\r\nhello\r\n`)
    await connection.until(/\r\n\r\n/)
    connection.socket.write('no chunk\r\n\r\n')
    t.equal(statuses(await connection.closed()).length, 1, path)
  }
})

t.test('data after the end of a body is answered as the next request', async (t) => {
  for (const framing of [
    'Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n',
    'Content-Length: 5\r\n\r\nhello',
  ]) {
    const first = `POST /check HTTP/1.1\r\nHost: app\r\n${bearer(token)}${framing}${framing.includes('chunked') ? '\r\n' : ''}`
    const second = head('GET /check', 'Connection: close\r\n')
    t.same(statuses(await raw(base, first + second)), [200, 401], framing)
  }
})

t.test('a request to upgrade is answered over HTTP/1.1, and the connection is closed', async (t) => {
  for (const protocol of ['websocket', 'h2c', 'anything'])
    for (const line of ['GET /check', 'POST /check', 'GET /api/session', 'GET /healthz']) {
      const body = line.startsWith('POST') ? 'Content-Length: 5\r\n' : ''
      const upgrade = `Connection: Upgrade\r\nUpgrade: ${protocol}\r\n`
      const first = `${head(line, `${bearer(token)}${upgrade}${body}`)}${body && 'hello'}`
      const answers = await rawConnection(base, first + head('GET /healthz')).closed(5_000)
      t.same(
        statuses(answers),
        [200],
        `${line}, ${protocol}: the connection is closed, so that the client sends the second again`,
      )
      t.match(answers, /^connection: close\r$/im)
    }
})

t.test('an invalid request waits for the answers to those before it', async (t) => {
  const answers = await raw(
    base,
    `${head('GET /api/session', bearer(token))}${head('GET /healthz')}garbage\r\n\r\n`,
  )
  t.same(statuses(answers), [200, 200, 400])
  t.match(answers, /"user":\{"id":"ada".*"status":"ok".*"code":"invalid_request"/s, 'in order')
})

t.test('an incomplete request after an open stream writes nothing into the stream', async (t) => {
  const opening = head('GET /api/session/events', bearer(token))
  const connection = rawConnection(base, `${opening}GET /check HTTP/1.1\r\nHost:`)
  await connection.until(/: following/)
  // A heartbeat comes after the time that a request may take to arrive.
  await connection.until(/: heartbeat/, 2 * PATIENCE_MS)
  await connection.until(/: heartbeat.*: heartbeat/s, 2 * PATIENCE_MS)
  t.same(statuses(connection.text()), [200])
  t.notMatch(connection.text(), 'problem')
  connection.socket.destroy()
})

t.test('a target in absolute form is its path, for every route', async (t) => {
  const ask = async (target: string, headers = bearer(token)) => {
    const answer = await raw(base, head(`GET ${target}`, `${headers}Connection: close\r\n`))
    return { status: statuses(answer)[0], answer }
  }
  for (const [target, status] of [
    ['http://app/check', 200],
    ['HTTP://app:8080/check/orders?page=2', 200],
    ['https://elsewhere.example/check?x', 200],
    ['http://[2001:db8::1]:80/check', 200],
    ['http://app/api/session', 200],
    ['http://app/healthz', 200],
    ['http://app/checkout', 404],
    ['http://app/check%2forders', 404],
    ['http://user@app/check', 404],
    ['ftp://app/check', 404],
    ['//app/check', 404],
    ['http://user@app/api/session', 404],
    ['http:///check', 404],
    ['*', 404],
  ] as const)
    t.equal((await ask(target)).status, status, target)
  t.equal((await ask('http://app/check', '')).status, 401, 'the check is made')
  for (const target of ['http://app', 'http://app?x=1'])
    t.equal((await ask(target, bearer('unknown'))).status, 303, `${target} is the page of devices`)
  t.match((await ask('http://app/check')).answer, 'x-user-id: ada')
})

t.test('a target without a path gets a problem', async (t) => {
  for (const [request, status] of [
    ['OPTIONS * HTTP/1.1\r\nHost: app\r\nConnection: close\r\n\r\n', 404],
    ['CONNECT app:443 HTTP/1.1\r\nHost: app:443\r\n\r\n', 404],
    [`${head('GET /healthz')}CONNECT app:443 HTTP/1.1\r\nHost: app:443\r\n\r\n`, 404],
    ['GET check HTTP/1.1\r\nHost: app\r\n\r\n', 400],
  ] as const) {
    const answer = await raw(base, request)
    t.equal(statuses(answer).at(-1), status, request.replace(/\r\n.*/s, ''))
    t.match(answer, /application\/problem\+json.*"requestId"/s)
  }
})
