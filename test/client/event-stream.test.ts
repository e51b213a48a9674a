/** The reader of server-sent events returns the same messages, however bytes are split and lines end. */
import { deepStrictEqual as deepEqual } from 'node:assert'
import fc from 'fast-check'
import t from 'tap'
import { createEventStreamParser, type Message } from '../../packages/client/src/event-stream.ts'
import '../support/seed.ts'

const line = fc
  .string({
    unit: fc.oneof(
      fc.constantFrom(':', ' ', '\t', '\u2028', '🦊', 'ä', '{', '"'),
      fc.string({ unit: 'grapheme', maxLength: 2 }),
    ),
  })
  .map((text) => text.replace(/[\r\n\0]/g, ''))
const message: fc.Arbitrary<Message> = fc.record(
  {
    type: line.map((text) => text.trim() || 'message'),
    data: fc.array(line, { minLength: 1, maxLength: 3 }).map((lines) => lines.join('\n')),
    id: line,
  },
  { requiredKeys: ['type', 'data'], noNullPrototype: true },
)
const ending = fc.constantFrom('\n', '\r\n', '\r')
const noise = fc.constantFrom(': heartbeat', ':', 'retry: 10', 'unknown: field', 'unknown')

/** These messages as a server may write them. */
const stream = fc
  .array(fc.tuple(message, fc.array(noise, { maxLength: 2 }), ending), { maxLength: 6 })
  .map((written) => ({
    messages: written.map(([message]) => message),
    text: written.map(([message, comments, end]) => write(message, comments, end)).join(''),
  }))

function write({ type, data, id }: Message, comments: string[], end: string): string {
  const fields = [
    ...(type === 'message' ? [] : [`event: ${type}`]),
    ...data.split('\n').map((line) => `data: ${line}`),
    ...(id === undefined ? [] : [`id: ${id}`]),
  ]
  return [...comments, ...fields, '', ...comments, ''].join(end)
}

function cutAt(bytes: Uint8Array, places: number[]): Uint8Array[] {
  const borders = [
    0,
    ...places.map((place) => place % (bytes.length + 1)).sort((a, b) => a - b),
    bytes.length,
  ]
  return borders.slice(1).map((border, n) => bytes.slice(borders[n], border))
}

const read = (chunks: Uint8Array[]) => chunks.flatMap(createEventStreamParser())
const bytes = (text: string) => new TextEncoder().encode(text)

t.test('the same messages are read, wherever the stream is split', async (t) => {
  t.doesNotThrow(() =>
    fc.assert(
      fc.property(stream, fc.array(fc.nat(), { maxLength: 20 }), ({ messages, text }, places) => {
        // A CR may be half a line end until the next byte, for example of the next heartbeat.
        const chunks = [...cutAt(bytes(text), places), bytes(':\n')]
        deepEqual(read(chunks), messages)
      }),
    ),
  )
})

t.test('a message counts once it is complete; an unfinished last message is dropped', async (t) => {
  const parse = createEventStreamParser()
  t.same(parse(bytes('\ufeffdata: 1\r\n\r')), [])
  t.same(parse(bytes('\ndata: 2\n\ndata: 3\n')), [
    { type: 'message', data: '1' },
    { type: 'message', data: '2' },
  ])
})

t.test('an id without data moves the cursor, an id with NUL does not; one space is removed', async (t) => {
  t.same(read([bytes('id: 7\n\nid: a\0b\ndata:  x\n\ndata\n\nevent: ready\n\n')]), [
    { type: 'message', data: '', id: '7' },
    { type: 'message', data: ' x' },
    { type: 'message', data: '' },
  ])
})

t.test('an endless line or message is refused before it fills the memory', async (t) => {
  for (const text of ['data: '.padEnd(70_000, 'x'), `data: ${'x'.repeat(70_000)}\n`]) {
    const parse = createEventStreamParser()
    t.throws(() => {
      for (let n = 0; n < 100; n++) parse(bytes(text))
    }, /is too long/)
  }
})
