/** `GET /events` refuses every cursor that it cannot resume from: no gap, no 500. */
import fc from 'fast-check'
import t from 'tap'
import { formatCursor, parseCursor } from '../../src/feed/cursor.ts'
import { startService } from '../support/service.ts'
import '../support/seed.ts'

const service = await startService()
const { headers } = await service.keyFor('events')

interface Answer {
  cursor: string
}
const get = (query = '', more: Record<string, string> = {}) =>
  service.http(`/events${query}`, { headers: { ...headers, ...more } })
const ask = async () => (await (await get()).json()) as Answer

t.test('a malformed cursor or wait is refused, and the error names the field', async (t) => {
  const { cursor } = await ask()
  for (const [query, field] of [
    ['?since=', 'since'],
    ['?since=nonsense', 'since'],
    [`?since=${cursor}x`, 'since'],
    [`?since=${cursor}%00`, 'since'],
    [`?since=${cursor}&since=${cursor}`, 'since'],
    [`?since=${'A'.repeat(13_000)}`, 'since'],
    [`?since=${cursor}&wait=31`, 'wait'],
    [`?since=${cursor}&wait=-1`, 'wait'],
    [`?since=${cursor}&wait=0.5`, 'wait'],
    [`?since=${cursor}&wait=soon`, 'wait'],
  ] as const) {
    for (const accept of ['application/json', 'text/event-stream']) {
      const response = await get(query, { accept })
      t.equal(response.status, 400, query.slice(0, 60))
      t.match(await response.json(), { code: 'invalid_request', field })
    }
  }
  const response = await get('', { accept: 'text/event-stream', 'last-event-id': 'nonsense' })
  t.equal(response.status, 400)
  t.match(await response.json(), { code: 'invalid_request', field: 'Last-Event-ID' })
})

t.test('any text as a cursor is answered 200, 400 or 410', async (t) => {
  const { cursor } = await ask()
  const { databaseId = '' } = parseCursor(cursor) ?? {}
  const number = fc.oneof(fc.bigInt({ min: 0n, max: 2n ** 64n }), fc.bigInt({ min: 0n, max: 300n }))
  const snapshot = fc
    .tuple(number, number, fc.array(number, { maxLength: 4 }))
    .map(([xmin, length, steps]) => [xmin, length, ...steps].map((value) => value.toString(36)).join('.'))
  const like = fc
    .tuple(
      fc.constantFrom('1', '2'),
      fc.constantFrom(databaseId, 'abcdefghijk'),
      snapshot,
      snapshot,
      number,
      number,
    )
    .map(([version, databaseId, last, upper, xid, id]) => [
      version,
      databaseId,
      last,
      upper,
      xid.toString(36),
      id.toString(36),
    ])
    .chain((parts) => fc.integer({ min: 1, max: 6 }).map((length) => parts.slice(0, length).join('/')))
    .map((text) => Buffer.from(text).toString('base64url'))
  const seen = new Set<number>()
  await fc.assert(
    fc.asyncProperty(fc.oneof(fc.string(), fc.base64String(), like), async (text) => {
      const response = await get(`?since=${encodeURIComponent(text)}`)
      await response.arrayBuffer()
      seen.add(response.status)
      return [200, 400, 410].includes(response.status)
    }),
    { numRuns: 1_500, examples: [[cursor]] },
  )
  t.same([...seen].sort(), [200, 400, 410], 'all three occurred')
})

t.test('a cursor of another database, of the future, or of an unknown history is too old', async (t) => {
  const { cursor } = await ask()
  const mine = parseCursor(cursor)
  if (!mine) throw new Error('no cursor')
  const elsewhere = await startService()
  const key = await elsewhere.keyFor('events')
  const foreign = (await (await elsewhere.http('/events', { headers: key.headers })).json()) as Answer
  const future = formatCursor({ ...mine, last: { ...mine.last, xmax: mine.last.xmax + 1_000_000n } })
  const unknown = formatCursor({ ...mine, databaseId: 'A'.repeat(11) })
  for (const [what, since] of Object.entries({ foreign: foreign.cursor, future, unknown })) {
    for (const accept of ['application/json', 'text/event-stream']) {
      const response = await get(`?since=${since}`, { accept })
      t.equal(response.status, 410, what)
      t.match(await response.json(), { code: 'cursor_too_old' })
    }
  }
})
