/** Every user agent gets a short device name that a person recognises. */
import fc from 'fast-check'
import t from 'tap'
import { deviceColumns } from '../../src/sessions/device-columns.ts'
import { describeDevice, deviceName } from '../../src/sessions/devices.ts'
import { holds } from '../support/seed.ts'
import { AGENTS } from './agents.ts'

const nameOf = (userAgent: string | null) => deviceName(describeDevice(userAgent))

t.test('over a hundred user agents get the name and kind that their owner knows', async (t) => {
  t.ok(AGENTS.length >= 100)
  for (const [userAgent, name, kind] of AGENTS)
    t.strictSame([nameOf(userAgent), describeDevice(userAgent).kind], [name, kind], userAgent)
  t.equal(nameOf(null), 'Unknown device')
})

const anyText = fc.oneof(fc.string({ maxLength: 512 }), fc.string({ unit: 'binary', maxLength: 512 }))
const product = fc.tuple(
  anyText,
  fc.constantFrom('/1', '/1.0 (Windows)', '/2 (iPhone)', 'Bot/1', ' Mozilla/5.0'),
)

t.test('any text gets a short name that consists of letters, digits and a few signs', async (t) => {
  await holds(
    t,
    fc.property(
      fc.oneof(
        anyText,
        product.map(([text, end]) => text + end),
      ),
      (userAgent) => {
        const name = nameOf(userAgent)
        return name.length > 0 && name.length <= 60 && /^[\p{L}\p{M}\p{N} ._+-]+$/u.test(name)
      },
    ),
    { numRuns: 5_000 },
  )
})

t.test('a long user agent costs no more time than its first part', async (t) => {
  const firefox = 'Mozilla/5.0 (X11; Linux x86_64; rv:144.0) Gecko/20100101 Firefox/144.0'
  t.equal(nameOf(firefox + ' '.repeat(16_000)), 'Firefox on Linux')
  t.equal(nameOf(' '.repeat(512) + firefox), 'Unknown program')
  const parts = [
    'a',
    ' ',
    '(',
    '/',
    '%',
    'Android ',
    '(Android',
    'droid 1; (',
    'bo',
    'TV',
    'mac os ',
    'Opera ',
    'a.',
  ]
  for (const part of parts)
    for (const head of ['', 'Mozilla/5.0 (Linux; Android 1; ', 'Mozilla/5.0 (compatible; '])
      t.ok(nameOf(head + part.repeat(16_000)).length <= 60, `${head}${part}…`)
})

t.test('a user agent that PostgreSQL cannot store does not prevent a sign-in', async (t) => {
  const kept = (userAgent: string) => deviceColumns({ userAgent }).userAgent
  t.equal(kept('a\0b\u001b[31m\u009bc\n'), 'a\ufffdb\ufffd[31m\ufffdc\ufffd')
  t.equal(kept(`${'x'.repeat(511)}😀`), `${'x'.repeat(511)}\ufffd`, 'half a surrogate pair is replaced')
  t.equal(kept('Ünïcode/1 \u202e'), 'Ünïcode/1 \u202e', 'valid text is kept unchanged')
  t.equal(kept(''), '')
})
