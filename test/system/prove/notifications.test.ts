/** Exactly the notifications are removed, wherever the stream is split. */
import fc from 'fast-check'
import t from 'tap'
import { holds } from '../../support/seed.ts'
import { dropNotifications } from './notifications.ts'

/** A message of PostgreSQL: its type, its length including the length itself, its body. */
function message(type: string, body: string): Buffer {
  const length = Buffer.alloc(4)
  length.writeInt32BE(4 + body.length)
  return Buffer.concat([Buffer.from(type), length, Buffer.from(body, 'latin1')])
}

const messages = fc.array(fc.tuple(fc.constantFrom('A', 'C', 'D', 'Z'), fc.string({ maxLength: 20 })))

t.test('notifications are removed however the stream is split into chunks', async (t) => {
  await holds(
    t,
    fc.property(messages, fc.array(fc.integer({ min: 1, max: 12 }), { minLength: 1 }), (sent, sizes) => {
      const ascii = sent.map(([type, body]) => message(type, body.replace(/[^ -~]/g, '?')))
      const stream = Buffer.concat(ascii)
      const keep = dropNotifications(() => true)
      const passed: Buffer[] = []
      for (let at = 0, i = 0; at < stream.length; i++) {
        const size = sizes[i % sizes.length] as number
        passed.push(Buffer.from(keep(stream.subarray(at, at + size))))
        at += size
      }
      const wanted = Buffer.concat(ascii.filter((bytes) => bytes[0] !== 'A'.charCodeAt(0)))
      return Buffer.concat(passed).equals(wanted)
    }),
  )
})

t.test('notifications that are not to be dropped pass', async (t) => {
  const all = Buffer.concat([message('A', 'one'), message('A', 'two')])
  const drops = [true, false]
  t.same(dropNotifications(() => drops.shift() ?? false)(all), message('A', 'two'))
})
