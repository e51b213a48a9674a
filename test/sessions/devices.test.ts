/** Every user agent gets a short device name that a person recognises, and every device facts that tell it from others. */
import { copyFile, rename, writeFile } from 'node:fs/promises'
import fc from 'fast-check'
import t from 'tap'
import { silentLog } from '../../src/lib/log.ts'
import { deviceColumns, signInColumns } from '../../src/sessions/device-columns.ts'
import { deviceName as deviceNameSchema } from '../../src/sessions/device-name.ts'
import { describeDevice, deviceName } from '../../src/sessions/devices.ts'
import { createReadPlaceHeaders } from '../../src/sessions/place-headers.ts'
import { createPlaces } from '../../src/sessions/places.ts'
import { shortIds, tellApart } from '../../src/sessions/tell-apart.ts'
import { visitOf } from '../../src/sessions/visits.ts'
import { LONDON, PLACES_FILE } from '../support/places.ts'
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

t.test('the version of a browser or an app is its first number; a bot and a guess have none', async (t) => {
  const versions: [userAgent: string, version: string | null][] = [
    ['Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:145.0) Gecko/20100101 Firefox/145.0', '145'],
    [
      'Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.6 Safari/605.1.15',
      '18',
    ],
    ['AcmeNotes/4.2.0 (iPhone; iOS 18.6)', '4'],
    ['curl/8.5.0', '8'],
    ['Acme/99999 (iPhone)', null],
    ['Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)', null],
    [
      'Mozilla/5.0 (iPhone; CPU iPhone OS 18_6 like Mac OS X) AppleWebKit/605.1.15 Mobile/15E148 [FBAN/FBIOS;FBAV/500.0]',
      null,
    ],
    ['', null],
  ]
  for (const [userAgent, version] of versions)
    t.equal(describeDevice(userAgent).version, version, userAgent || 'none')
  t.equal(deviceName(describeDevice(versions[0]?.[0] ?? null), { version: true }), 'Firefox 145 on Windows')
  t.equal(deviceName(describeDevice(null), { version: true }), 'Unknown device')
})

t.test('a name of a device is one line of visible text', async (t) => {
  const kept = (name: string | null) => deviceNameSchema.safeParse(name).data
  t.equal(kept(' My \n\t laptop '), 'My laptop')
  t.equal(kept('e\u0301'), '\u00e9', 'composed')
  for (const name of ['Work', 'لابتوب', '👩‍👩‍👧 iPad', 'Küche ☕️', 'நோட்', 'x'.repeat(60), '😀'.repeat(60)])
    t.equal(kept(name), name)
  for (const none of [null, '', '   ', '\n']) t.equal(kept(none), null, 'takes it away')
  const refused = [
    'x'.repeat(61),
    'a\0b',
    'a\u001b[31m',
    'evil\u202egnp.exe',
    '\u2066x\u2069',
    '\u200b',
    'a\u200bb',
    '\u3164',
    '\u2800',
    '\u200d',
    '\ufe0f',
    'a\u2028b\u0085',
    '\ue000',
    '\ud800',
    'Z\u0300\u0301\u0302\u0303\u0304',
  ]
  for (const name of refused) t.equal(kept(name), undefined, encodeURIComponent(name.toWellFormed()))
})

t.test('no two rows look equal, however alike they are, and none shows more than it needs', async (t) => {
  const facts = [
    ([name]: string[]) => name ?? '',
    ([, second]: string[]) => second ?? '',
    ([, , id]: string[]) => id ?? '',
  ]
  const rows = [
    ['Firefox', '1', 'a'],
    ['Chrome', '1', 'b'],
    ['Chrome', '2', 'c'],
    ['Safari', '3', 'd'],
    ['Safari', '3', 'e'],
  ]
  t.same(tellApart(rows, facts), [0, 1, 1, 2, 2])
  t.same(tellApart([], facts), [])
  await holds(
    t,
    fc.property(fc.array(fc.tuple(fc.constantFrom('a', 'b'), fc.constantFrom('1', '2'))), (drawn) => {
      const rows = drawn.map((row, i) => [...row, String(i)])
      const shown = tellApart(rows, facts).map((more, i) => JSON.stringify(rows[i]?.slice(0, more + 1)))
      return new Set(shown).size === rows.length
    }),
  )
  t.same(shortIds(['12345678-aaaa', '12345679-aaaa']), ['12345678', '12345679'])
  t.same(shortIds(['12345678-aaaa', '12345678-aaab']), ['12345678-aaaa', '12345678-aaab'])
})

t.test('what is new stays new for a visit, and is not new at the next', async (t) => {
  const at = (minutes: number) => new Date(Date.UTC(2026, 10, 28, 12, minutes))
  const first = visitOf(undefined, 'ada', at(0))
  t.equal(first.newAfter, null, 'at the first visit nothing is new')
  const again = visitOf(first.cookie, 'ada', at(20))
  t.same(again.newAfter, at(0))
  const still = visitOf(again.cookie, 'ada', at(45))
  t.same(still.newAfter, at(0), 'the same visit: 25 minutes after its last page')
  const next = visitOf(still.cookie, 'ada', at(120))
  t.same(next.newAfter, at(45), 'since the last page of the visit before')
  for (const cookie of ['', 'x', `${first.cookie}x`, '1.2.3', first.cookie.replace(/^\d+/, '9'.repeat(15))])
    t.equal(visitOf(cookie, 'ada', at(20)).newAfter, null, cookie)
  t.equal(visitOf(first.cookie, 'eve', at(20)).newAfter, null, 'of another user of this browser')
  t.equal(visitOf(next.cookie, 'ada', at(0)).newAfter, null, 'from the future')
})

t.test(
  'a place is what the sign-in said, else that of the address, in the language of the reader',
  async (t) => {
    const placeOf = await createPlaces(PLACES_FILE, silentLog).finder()
    const at = (ipAddress: string | null) => ({ ipAddress })
    t.same(placeOf(at(LONDON)), { country: 'GB', city: 'London' })
    t.same(placeOf(at(LONDON), 'fr'), { country: 'GB', city: 'Londres' })
    t.same(placeOf(at(LONDON), 'ar'), { country: 'GB', city: 'London' }, 'in English where the file lacks it')
    t.same(placeOf(at('2001:218::1')), { country: 'JP', city: null })
    for (const none of ['127.0.0.1', 'no address', null]) t.equal(placeOf(at(none)), null)
    t.same(placeOf({ ipAddress: LONDON, country: 'DE', city: null }), { country: 'DE', city: null })
    t.equal(placeOf({ ipAddress: null, country: '??', city: '' }), null)
    const without = await createPlaces(null, silentLog).finder()
    t.equal(without(at(LONDON)), null)
    t.same(without({ ipAddress: null, country: 'DE', city: 'Bonn' }), { country: 'DE', city: 'Bonn' })
  },
)

t.test('the file of places is read again when it changes; a damaged one leaves the last', async (t) => {
  const errors: object[] = []
  const log = { ...silentLog, error: (details: object) => void errors.push(details) }
  const file = `${t.testdir({ 'half.mmdb': 'half a file' })}/places.mmdb`
  const places = createPlaces(file, log, 0)
  const london = async () => (await places.finder())({ ipAddress: LONDON })?.city
  t.equal(await london(), undefined, 'missing')
  t.equal(await london(), undefined)
  t.match(errors, [{ file, err: { code: 'ENOENT' } }], 'logged once')
  await copyFile(PLACES_FILE, `${file}.new`)
  await rename(`${file}.new`, file)
  t.equal(await london(), 'London')
  await writeFile(file, 'half a file')
  t.equal(await london(), 'London')
  t.equal(errors.length, 2)
})

t.test('headers of a place are believed from a listed sender only, and never refused', async (t) => {
  const headers = ['cf-ipcountry', 'cf-ipcity']
  const read = (sent: Record<string, string>, trustProxy = ['10.0.0.0/8'], remoteAddress = '10.1.2.3') =>
    createReadPlaceHeaders({ placeHeaders: headers, trustProxy })({
      raw: { headers: sent, socket: { remoteAddress } } as never,
    })
  const sent = { 'cf-ipcountry': 'DE', 'cf-ipcity': Buffer.from('München').toString('latin1') }
  t.same(read(sent), { country: 'DE', city: 'München' })
  t.equal(read(sent, ['10.0.0.0/8'], '203.0.113.7'), null)
  t.same(read({ 'cf-ipcountry': 'fr', 'cf-ipcity': 'Saint-%C3%89tienne' }), {
    country: 'FR',
    city: 'Saint-Étienne',
  })
  t.same(read({ 'cf-ipcountry': 'T1', 'cf-ipcity': '%' }), { country: null, city: '%' })
  for (const nothing of [{}, { 'cf-ipcountry': 'XX' }, { 'cf-ipcountry': '', 'cf-ipcity': ' ' }])
    t.equal(read(nothing as Record<string, string>), null)
  t.same(signInColumns({ method: `\n${'k'.repeat(50)}\0`, city: '😀'.repeat(90) }), {
    method: '\ufffd'.concat('k'.repeat(39)),
    country: null,
    city: '😀'.repeat(80),
  })
})
