/** Every error has an id that the operator finds in the log, whichever part answered. */
import { connect } from 'node:net'
import { text } from 'node:stream/consumers'
import t from 'tap'
import { json, startService } from '../support/service.ts'
import { waitFor, within } from '../support/within.ts'
import { withoutSessions } from '../support/without-sessions.ts'

const log: string[] = []
const service = await startService({ log })
const { http } = service
const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/

interface Answer {
  status: number
  header: string | undefined
  body: { requestId?: string; status?: number }
}

/** Sends bytes as they are, and reads the answer to its end. */
function raw(bytes: string): Promise<Answer> {
  const { hostname, port } = new URL(service.base)
  const socket = connect(Number(port), hostname, () => socket.end(bytes))
  const answer = new Promise<Answer>((done, fail) => {
    let text = ''
    socket.setEncoding('utf8').on('data', (chunk) => {
      text += chunk
    })
    socket.on('error', fail).on('close', () => {
      const [head = '', body = ''] = text.split('\r\n\r\n')
      const header = /^x-request-id: (.*)$/im.exec(head)?.[1]
      done({ status: Number(head.split(' ')[1]), header, body: JSON.parse(body) })
    })
  })
  return within('the end of the answer', answer)
}

async function answerOf(asked: Promise<Response>): Promise<Answer> {
  const response = await asked
  const header = response.headers.get('x-request-id') ?? undefined
  return { status: response.status, header, body: (await response.json()) as Answer['body'] }
}

const refusals: [what: string, status: number, ask: () => Promise<Answer>][] = [
  ['a check without a token', 401, () => answerOf(http('/check'))],
  ['no session', 401, () => answerOf(http('/api/session'))],
  [
    'a wrong key',
    401,
    () => answerOf(http('/introspect', { ...json({ token: 'x' }), headers: { authorization: 'Bearer x' } })),
  ],
  ['bad input', 400, () => answerOf(http('/api/sessions/x', { method: 'DELETE' }))],
  ['broken JSON', 400, () => answerOf(http('/api/logout', { ...json({}), body: '{' }))],
  ['an unknown address', 404, () => answerOf(http('/nothing'))],
  ['an address that cannot be decoded', 400, () => answerOf(http('/%zz'))],
  [
    'a body that is too large',
    413,
    () => answerOf(http('/api/logout', json({ callbackUrl: 'x'.repeat(70_000) }))),
  ],
  [
    'headers that are too large',
    431,
    () => answerOf(http('/', { headers: { cookie: 'x'.repeat(100_000) } })),
  ],
  ['an invalid request line', 400, () => raw('what is this?\r\n\r\n')],
  ['an invalid header', 400, () => raw('GET / HTTP/1.1\r\nhost: x\r\nno header\r\n\r\n')],
]

for (const [what, status, ask] of refusals) {
  t.test(`${what} gets an id, in the header and in the body`, async (t) => {
    const { header, body, ...answer } = await ask()
    t.equal(answer.status, status)
    t.equal(body.status, status)
    t.match(body.requestId, UUID)
    t.equal(header, body.requestId)
  })
}

t.test('HEAD gets no body, even if the request is unreadable', async (t) => {
  const { hostname, port } = new URL(service.base)
  const socket = connect(Number(port), hostname, () => socket.end('HEAD / HTTP/1.1\r\nno header\r\n\r\n'))
  const answer = await text(socket)
  t.match(answer, /^HTTP\/1\.1 400 /)
  t.ok(answer.endsWith('\r\n\r\n'), answer)
})

t.test('request ids are unique, and clients cannot choose them', async (t) => {
  const ids = new Set<string | undefined>()
  for (const path of ['/check', '/api/session', '/healthz'])
    for (let n = 0; n < 3; n++) {
      const response = await http(path, { headers: { 'x-request-id': 'mine', 'request-id': 'mine' } })
      ids.add(response.headers.get('x-request-id') ?? undefined)
    }
  t.equal(ids.size, 9)
  t.notOk(ids.has('mine'))
})

t.test('the log has the id of refusals, failures and unreadable requests', async (t) => {
  const told = (id: string | undefined) =>
    log.map((line) => JSON.parse(line)).filter(({ reqId, req }) => reqId === id || req?.id === id)
  const ordinary = await answerOf(http('/api/session'))
  const lines = told(ordinary.body.requestId)
  t.match(lines, [
    {
      msg: 'request completed',
      req: { method: 'GET', path: '/api/session', remoteAddress: '127.0.0.1' },
      res: { statusCode: 401 },
      responseTime: Number,
    },
  ])
  t.equal(lines.length, 1, 'one line a request')

  const unreadable = await raw('GET / HTTP/1.1\r\nhost: x\r\ncookie: canary\r\nno header\r\n\r\n')
  t.match(told(unreadable.body.requestId), [{ code: 'invalid_request', reason: /^HPE_/ }])
  t.notMatch(log.join(''), 'canary', 'but nothing of its content')

  await withoutSessions(service.database, async () => {
    for (const path of ['/check', '/api/session']) {
      const failed = await answerOf(http(path, { headers: { authorization: 'Bearer x' } }))
      t.equal(failed.status, 503)
      t.ok(
        told(failed.body.requestId).some(
          ({ err, code }) => code === 'unavailable' && err.message.includes('does not exist'),
        ),
        `${path}: with its cause`,
      )
      t.notMatch(JSON.stringify(failed.body), 'exist', 'the cause is only in the log')
    }
  })
})

t.test('many undecided checks are logged in few lines, with the count', async (t) => {
  const told = () => log.map((line) => JSON.parse(line)).filter(({ undecided }) => undecided)
  const before = told().length
  const ask = async () => (await http('/check', { headers: { authorization: 'Bearer x' } })).status
  const lines = () => told().slice(before)
  await withoutSessions(service.database, async () => {
    for (let n = 0; n < 10; n++)
      t.same(new Set(await Promise.all(Array.from({ length: 30 }, ask))), new Set([503]))
    // Checks after the last line are counted in the next one.
    await waitFor('300 undecided checks in the log', async () => {
      await ask()
      return lines().reduce((sum, { undecided }) => sum + undecided, 0) >= 300
    })
  })
  t.ok(lines().length < 100, `${lines().length} lines`)
  t.match(lines()[0], { code: 'unavailable', reqId: UUID, err: { stack: String } })
})
