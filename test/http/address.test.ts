/**
 * The client's address is recorded and rate-limited correctly, in every form that proxies write, and if they
 * write none.
 */
import t from 'tap'
import { callerNetwork } from '../../src/lib/address-blocks.ts'
import { readAddress } from '../../src/lib/read-address.ts'
import { json, startService } from '../support/service.ts'

const service = await startService({ env: { TRUST_PROXY: '127.0.0.1, 10.0.0.0/8, 2001:db8:ffff::/48' } })
const { database } = service
const behindForwarded = await startService({
  database,
  env: { TRUST_PROXY: '127.0.0.1, 10.0.0.0/8', TRUST_PROXY_HEADER: 'forwarded' },
})

t.test('an address is read with a port, in brackets, with a zone; other text is refused', async (t) => {
  const cases: [text: string, address: string | null][] = [
    ['198.51.100.7', '198.51.100.7'],
    ['198.51.100.7:4711', '198.51.100.7'],
    ['198.51.100.7:_gazonk', '198.51.100.7'],
    ['2001:db8::1', '2001:db8::1'],
    ['2001:DB8:0:0::1', '2001:db8::1'],
    ['[2001:db8::1]', '2001:db8::1'],
    ['[2001:db8::1]:443', '2001:db8::1'],
    ['fe80::1%eth0', 'fe80::1'],
    ['[fe80::1%25eth0]:80', 'fe80::1'],
    ['::ffff:198.51.100.7', '198.51.100.7'],
    ['[::ffff:c633:6407]:443', '198.51.100.7'],
    ['2001:db8::1:443', '2001:db8::1:443'],
    ['::1', '::1'],
    ...[
      ...[
        '',
        'unknown',
        '_hidden',
        '_hidden:4711',
        'localhost',
        'nonsense<script>',
        '198.51.100',
        '1.2.3.4.5',
      ],
      ...[
        '198.51.100.7:',
        '198.51.100.7:123456',
        '198.51.100.7:4711:1',
        '[198.51.100.7]',
        '[2001:db8::1',
        '[]',
      ],
      ...[
        '2001:db8::1]',
        '[2001:db8::1]443',
        '010.1.1.1',
        '1.2.3.4%eth0',
        '127.1',
        '0x7f.1',
        '1.2.3.4, 5.6.7.8',
      ],
      ...[' 1.2.3.4', '"[2001:db8::1]"', '300.1.1.1', '2001:db8:::1', '1.2.3.4\0'],
    ].map((text) => [text, null] as [string, null]),
  ]
  for (const [text, address] of cases) t.equal(readAddress(text), address, JSON.stringify(text))
  t.equal(
    callerNetwork('2001:db8:1:2:3::4'),
    callerNetwork('2001:db8:1:2:ffff::'),
    'one /64 counts as one caller',
  )
  t.not(callerNetwork('2001:db8:1:2::'), callerNetwork('2001:db8:1:3::'))
  t.equal(callerNetwork('198.51.100.7'), '198.51.100.7')
})

type Headers = Record<string, string>

/**
 * Logs a user out with these headers, and uses the token again. @returns the addresses of the operation and
 * of the replay.
 */
async function recorded({ signIn, addUser, http, replays }: typeof service, headers: Headers) {
  const user = await addUser()
  const { token } = await signIn(user)
  const own = { ...headers, authorization: `Bearer ${token}` }
  const sent = json({})
  const response = await http('/api/logout', { ...sent, headers: { ...sent.headers, ...own } })
  t.equal(response.status, 200)
  t.equal((await http('/check', { headers: own })).status, 401)
  await replays.flush()
  const [operation] = await database.psql<{ ip: string | null }>(
    'select host(ip_address) as ip from operation where user_id = $1',
    [user],
  )
  const [replay] = await database.psql<{ ip: string | null }>(
    'select host(ip_address) as ip from replay where user_id = $1',
    [user],
  )
  return [operation?.ip, replay?.ip]
}

t.test("audit and replays have the client's address, in whatever form the proxy writes it", async (t) => {
  const cases: [header: string, address: string | null][] = [
    ['198.51.100.7', '198.51.100.7'],
    ['198.51.100.7:4711', '198.51.100.7'],
    ['[2001:db8::1]:443', '2001:db8::1'],
    ['[2001:db8::1]', '2001:db8::1'],
    ['::ffff:198.51.100.7', '198.51.100.7'],
    ['fe80::1%eth0', 'fe80::1'],
    ['203.0.113.1, 198.51.100.7:4711, 10.1.2.3:80', '198.51.100.7'],
    ['203.0.113.1,198.51.100.7 , ::ffff:10.1.2.3,, [2001:db8:ffff::1]:443', '198.51.100.7'],
    ['10.1.2.3', '10.1.2.3'],
    ['', '127.0.0.1'],
  ]
  for (const [header, address] of cases)
    t.same(await recorded(service, { 'x-forwarded-for': header }), [address, address], header)
})

t.test('if the nearest proxy names no address, none is recorded, nor any behind it', async (t) => {
  for (const header of [
    'unknown',
    '_hidden',
    '198.51.100.7, unknown',
    '198.51.100.7, _secret, 10.1.2.3',
    '%',
    '[::1',
  ])
    t.same(await recorded(service, { 'x-forwarded-for': header }), [null, null], header)
})

t.test('Forwarded is used only if it is configured as the header of the proxies', async (t) => {
  const cases: [header: string, address: string | null][] = [
    ['for=198.51.100.7', '198.51.100.7'],
    ['For="198.51.100.7:4711";proto=https', '198.51.100.7'],
    ['for="[2001:db8::1]:443";by="_x";host="app.example.com"', '2001:db8::1'],
    ['for=203.0.113.1, for=198.51.100.7;proto=http, for=10.1.2.3', '198.51.100.7'],
    ['for="203.0.113.1, for=198.51.100.7', '198.51.100.7'],
    ['for=unknown', null],
    ['for=203.0.113.1, for=_hidden', null],
    ['for=203.0.113.1, proto=https', null],
    ['for=198.51.100.7;host=x;for=203.0.113.1', null],
    ['for=198.51.100.7;host="x, for=203.0.113.1"', null],
    ['for=2001:db8::1', null],
    ['nonsense', null],
    ['', '127.0.0.1'],
  ]
  for (const [header, address] of cases)
    t.same(await recorded(behindForwarded, { forwarded: header }), [address, address], header)
  const both = { forwarded: 'for=203.0.113.1', 'x-forwarded-for': '198.51.100.7' }
  t.same(await recorded(behindForwarded, both), ['203.0.113.1', '203.0.113.1'])
  t.same(
    await recorded(service, both),
    ['198.51.100.7', '198.51.100.7'],
    'a client can send the other header',
  )
  t.same(await recorded(service, { forwarded: 'for=203.0.113.1' }), ['127.0.0.1', '127.0.0.1'])
  const forged = { 'x-forwarded-for': '203.0.113.1' }
  t.same(await recorded(behindForwarded, forged), ['127.0.0.1', '127.0.0.1'])
})

t.test('guessing of keys is slowed down, in whatever form the address is written', async (t) => {
  const ways: [way: string, service: { http: typeof service.http }, headers: (n: number) => Headers][] = [
    ['another port each time', service, (n) => ({ 'x-forwarded-for': `198.51.100.30:${4000 + n}` })],
    ['brackets', service, (n) => ({ 'x-forwarded-for': `[2001:db8:30::1]:${4000 + n}` })],
    [
      'another address of one network each time',
      service,
      (n) => ({ 'x-forwarded-for': `2001:db8:31::${n + 1}` }),
    ],
    [
      'unknown, behind a forged address',
      service,
      (n) => ({ 'x-forwarded-for': `198.51.100.${n}, unknown, 10.0.0.1` }),
    ],
    ['a name each', service, (n) => ({ 'x-forwarded-for': `_hidden${n}, 10.0.0.2` })],
    ['nonsense each', service, (n) => ({ 'x-forwarded-for': `x${n}, 10.0.0.3` })],
    ['Forwarded', behindForwarded, (n) => ({ forwarded: `for="198.51.100.30:${4000 + n}"` })],
    ['Forwarded, hidden', behindForwarded, (n) => ({ forwarded: `for=_${n}, for=10.0.0.4` })],
    ['Forwarded, broken', behindForwarded, (n) => ({ forwarded: `for="${n}, for=10.0.0.5` })],
  ]
  for (const [way, { http }, headers] of ways) {
    const statuses = new Set<number>()
    for (let n = 0; n < 22; n++) {
      const authorization = `Bearer glk_${String(n).padStart(43, 'C')}`
      const response = await http('/api/admin/users?q=x', { headers: { ...headers(n), authorization } })
      await response.arrayBuffer()
      statuses.add(response.status)
    }
    t.same([...statuses], [401, 429], way)
  }
})
