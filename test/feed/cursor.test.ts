/** Cursors as text: formatting and parsing are inverse, PostgreSQL accepts the same snapshots, and any other text is refused. */
import fc from 'fast-check'
import t from 'tap'
import { formatSnapshot, isBefore, parseSnapshot, type Snapshot } from '../../src/database/snapshots.ts'
import { type Cursor, formatCursor, MAX_CURSOR_LENGTH, parseCursor } from '../../src/feed/cursor.ts'
import { testDatabase } from '../support/database.ts'
import '../support/seed.ts'

const { psql } = await testDatabase()

const EPOCH = 2n ** 32n
const id = fc.bigInt({ min: 1n, max: 2n ** 62n })
const snapshot = fc
  .tuple(
    id,
    fc.uniqueArray(fc.bigInt({ min: 0n, max: 100_000n }), { maxLength: 50 }),
    fc.bigInt({ min: 1n, max: 10n }),
  )
  .map(([xmin, offsets, more]): Snapshot => {
    const open = offsets.sort((a, b) => Number(a - b)).map((offset) => xmin + offset)
    return { xmin, xmax: (open.at(-1) ?? xmin) + more, open }
  })
  .filter(({ xmin, xmax }) => xmin % EPOCH !== 0n && xmax % EPOCH !== 0n)
const databaseId = fc.stringMatching(/^[\w-]{11}$/)
const cursor: fc.Arbitrary<Cursor> = fc.oneof(
  fc.record({ databaseId, last: snapshot }),
  fc.record({
    databaseId,
    last: snapshot,
    within: fc.record({ upper: snapshot, after: fc.record({ xid: id, id }) }),
  }),
)

t.test('a formatted cursor parses to itself, and fits into a header', async (t) => {
  fc.assert(
    fc.property(cursor, (written) => {
      const text = formatCursor(written)
      return /^[\w-]+$/.test(text) && formatCursor(parseCursor(text) as Cursor) === text
    }),
    { numRuns: 2_000 },
  )
  const open = Array.from({ length: 1_000 }, (_, n) => 2n ** 50n + BigInt(3 * n + 3))
  const last = { xmin: open[0] as bigint, xmax: 2n ** 50n + 10_000n, open }
  const busy = formatCursor({
    databaseId: 'A'.repeat(11),
    last,
    within: { upper: last, after: { xid: 2n ** 50n, id: 2n ** 40n } },
  })
  t.ok(busy.length < MAX_CURSOR_LENGTH, 'a thousand transactions in progress')
  t.same(parseCursor(busy)?.within?.upper, last)
})

t.test('any other text parses to null, without an error', async (t) => {
  const mangled = fc
    .tuple(cursor, fc.nat(), fc.constantFrom('', '0', '00', '.', '/', '=', '\0', 'zzzzzzzzzzzzzz'))
    .map(([value, at, insert]) => {
      const text = Buffer.from(formatCursor(value), 'base64url').toString()
      const position = at % text.length
      return Buffer.from(text.slice(0, position) + insert + text.slice(position + 1)).toString('base64url')
    })
  let refused = 0
  fc.assert(
    fc.property(fc.oneof(fc.string(), mangled), (text) => {
      const read = parseCursor(text)
      if (!read) refused++
      return !read || formatCursor(read) === text
    }),
    { numRuns: 5_000 },
  )
  t.ok(refused > 1_000)
})

t.test('PostgreSQL accepts every snapshot of a cursor unchanged', async (t) => {
  const [texts] = fc.sample(fc.array(snapshot.map(formatSnapshot), { minLength: 500, maxLength: 500 }), 1)
  const rows = await psql<{ text: string }>('select unnest($1::text[])::pg_snapshot::text as text', [texts])
  t.same(
    rows.map(({ text }) => text),
    texts,
  )
  t.same(
    rows.map(({ text }) => formatSnapshot(parseSnapshot(text))),
    texts,
  )
})

t.test('a snapshot that PostgreSQL refuses is not a cursor', async (t) => {
  for (const last of [
    { xmin: EPOCH, xmax: EPOCH + 5n, open: [] },
    { xmin: EPOCH - 5n, xmax: EPOCH, open: [] },
    { xmin: 0n, xmax: 5n, open: [] },
    { xmin: 5n, xmax: 7n, open: [7n] },
    { xmin: 5n, xmax: 9n, open: [6n, 6n] },
    { xmin: 5n, xmax: 2n ** 63n, open: [] },
  ]) {
    t.equal(parseCursor(formatCursor({ databaseId: 'A'.repeat(11), last })), null, formatSnapshot(last))
  }
})

t.test('of two snapshots, the one that shows less was taken first', async (t) => {
  const at = (text: string) => parseSnapshot(text)
  for (const [before, after] of [
    ['10:10:', '10:11:10'],
    ['10:12:10', '12:12:'],
    ['10:12:10,11', '10:12:10'],
    ['10:12:10,11', '10:13:10,11'],
  ] as const) {
    t.ok(isBefore(at(before), at(after)), `${before} ${after}`)
    t.notOk(isBefore(at(after), at(before)))
    t.notOk(isBefore(at(before), at(before)))
  }
})
