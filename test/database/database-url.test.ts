/** DATABASE_URL: every part takes effect or is refused by name; no message holds a password. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import t from 'tap'
import { clientConfig, databaseUrlProblems } from '../../src/database/client-config.ts'
import { createConnector } from '../../src/database/connection.ts'
import { parseDatabaseUrl } from '../../src/database/database-url.ts'
import { runHere } from '../support/command.ts'
import { listen } from '../support/ports.ts'
import '../support/seed.ts'

const first = (text: string) => {
  const url = parseDatabaseUrl(text)
  return clientConfig(url, url.servers[0] ?? {})
}

t.test('hosts are read in their order, each with its port', async (t) => {
  for (const [text, servers] of [
    ['postgres://db/app', [{ host: 'db' }]],
    ['postgresql://ada:secret@db:6432/app', [{ host: 'db', port: 6432 }]],
    [
      'postgres://h1:5432,h2,[fe80::1]:5433/app',
      [{ host: 'h1', port: 5432 }, { host: 'h2' }, { host: 'fe80::1', port: 5433 }],
    ],
    ['postgres://[::1]/app', [{ host: '::1' }]],
    ['postgres:///app', [{}]],
    ['postgres://%2Frun%2Fpostgresql/app', [{ host: '/run/postgresql' }]],
    ['postgres:///app?host=/run/postgresql&port=5433', [{ host: '/run/postgresql', port: 5433 }]],
    ['postgres://localhost/app?host=/cloudsql/p:r:i', [{ host: '/cloudsql/p:r:i' }]],
    [
      'postgres:///app?host=h1,h2&port=1,2',
      [
        { host: 'h1', port: 1 },
        { host: 'h2', port: 2 },
      ],
    ],
  ] as const)
    t.strictSame(parseDatabaseUrl(text).servers, servers, text)
})

t.test('user, password and database are decoded', async (t) => {
  t.match(first('postgres://ada%40corp:p%3A%2Fss%23%25@db/my%2Fapp'), {
    user: 'ada@corp',
    password: 'p:/ss#%',
    database: 'my/app',
  })
  t.match(first('postgres://ada:p@ss:word@db/app'), { password: 'p@ss:word', host: 'db' })
  t.match(first('postgres://db/app?user=ada&password=x%2By&application_name=me&options=-c%20role%3Dgl'), {
    user: 'ada',
    password: 'x+y',
    application_name: 'me',
    options: '-c role=gl',
  })
  t.strictSame(first('postgres://db'), { host: 'db' }, 'what is missing is left to node-postgres')
})

t.test('sslmode: no mode is weaker than its name, and some are stricter', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'global-logout-tls-'))
  t.teardown(() => rm(folder, { recursive: true, force: true }))
  const file = async (name: string) => {
    await writeFile(join(folder, name), name)
    return join(folder, name)
  }
  const ssl = (query: string) => first(`postgres://db/app${query}`).ssl
  t.equal(ssl(''), undefined)
  t.equal(ssl('?sslmode=disable'), false)
  t.strictSame(ssl('?sslmode=no-verify'), { rejectUnauthorized: false })
  for (const mode of ['prefer', 'require', 'verify-ca', 'verify-full'])
    t.strictSame(ssl(`?sslmode=${mode}`), {}, `${mode} checks certificate and name`)
  const [ca, cert, key] = [await file('ca'), await file('cert'), await file('key')]
  t.strictSame(ssl(`?sslrootcert=${ca}`), { ca: 'ca' })
  t.strictSame(ssl(`?sslmode=require&sslrootcert=${ca}&sslcert=${cert}&sslkey=${key}`), {
    ca: 'ca',
    cert: 'cert',
    key: 'key',
  })
  t.equal(first('postgres://%2Frun/app?sslmode=require').ssl, false, 'a socket has no TLS, as in libpq')
  t.match(first('postgres://db/app?sslmode=require&sslnegotiation=direct'), { sslnegotiation: 'direct' })
})

t.test('the URLs of large providers are accepted', async (t) => {
  for (const [provider, query] of [
    ['Neon', '?sslmode=require&channel_binding=require'],
    ['PlanetScale', '?sslmode=verify-full&sslrootcert=system'],
    ['Azure, DigitalOcean', '?sslmode=require'],
    ['Vercel', '?sslmode=require&connect_timeout=15'],
    ['Supabase', '?options=reference%3Dabc&sslmode=prefer&channel_binding=prefer'],
  ] as const)
    t.strictSame(databaseUrlProblems(`postgres://ada:x@db.example/app${query}`), [], provider)
  t.match(first('postgres://db/app?sslmode=require&channel_binding=require'), { enableChannelBinding: true })
  t.equal(first('postgres://db/app?sslmode=require&channel_binding=disable').enableChannelBinding, undefined)
  t.strictSame(
    first('postgres://db/app?sslmode=verify-full&sslrootcert=system').ssl,
    {},
    "Node's authorities",
  )
})

t.test('everything unsupported is refused, in one error', async (t) => {
  for (const [text, ...problems] of [
    ['mysql://db/app', /must be a URL such as postgres:/],
    ['postgres://db/app\n', /must be a URL/],
    ['postgres://h1,,h2/app', /a host of the list is empty/],
    ['postgres://h1:70000/app', /each port must be a number from 1 to 65535/],
    ['postgres://h1:0/app', /each port/],
    ['postgres://[::1/app', /\[IPv6 address\]/],
    ['postgres://::1/app', /\[IPv6 address\]/],
    ['postgres://h1,h2,h3/app?port=1,2', /one for each host/],
    ['postgres://100%:x@db/app', /the user is not percent-encoded correctly/],
    ['postgres://u:x%00y@db/app', /the password is not percent-encoded correctly/],
    ['postgres://db/app?target_session_attrs=any', /target_session_attrs must be read-write or primary/],
    ['postgres://db/app?target_session_attrs=prefer-standby', /must be read-write or primary/],
    ['postgres://db/app?target_session_attrs=standby&sslmode=allow', /sslmode must be disable, /, /primary/],
    ['postgres://db/app?keepalives=1', /the parameter keepalives is not supported; supported are .*sslmode/],
    ['postgres://db/app?connect_timeout=3s', /connect_timeout must be a number of seconds/],
    ['postgres://db/app?channel_binding=require', /channel_binding=require needs an sslmode/],
    ['postgres://db/app?channel_binding=yes', /channel_binding must be disable, prefer or require/],
    ['postgres://db/app?pgbouncer=true&schema=public', /parameter pgbouncer/, /parameter schema/],
    ['postgres://db/app?sslmode=require&sslmode=disable', /sslmode is given twice/],
    ['postgres://db/app?sslmode=disable&sslrootcert=/x', /have no effect/],
    ['postgres://db/app?sslmode=no-verify&sslrootcert=/x', /sslrootcert has no effect/],
    ['postgres://db/app?sslrootcert=/nowhere/ca', /sslrootcert names a file that cannot be read \(ENOENT\)/],
    ['postgres://db/app?sslcert=/x', /must be given together/],
    ['postgres://db/app?sslnegotiation=direct', /needs an sslmode/],
    [
      'postgres://db/app?options=-c%20search_path%3Dx%20--default-transaction-read-only%3Don',
      /options cannot set search_path, default_transaction_read_only: the service sets it/,
    ],
  ] as const) {
    const found = databaseUrlProblems(text)
    t.equal(found.length, problems.length, `${text}\n${found.join('\n')}`)
    for (const problem of problems)
      t.ok(
        found.some((each) => problem.test(each)),
        `${text}: ${problem}`,
      )
  }
  for (const value of ['read-write', 'primary'])
    t.strictSame(databaseUrlProblems(`postgres://h1,h2/app?target_session_attrs=${value}`), [])
})

t.test('no message repeats text that may be part of a password', async () => {
  const password = fc.stringMatching(
    /^[-a-zA-Z0-9:/?#[\]@!$&'()*+,;=%~ ]{0,6}Geheim7[-a-zA-Z0-9:/?#[\]@!$&=%]{0,6}$/,
  )
  fc.assert(
    fc.property(password, (secret) => {
      for (const text of [`postgres://ada:${secret}@db:5432/app`, `postgres://ada:${secret}@db/app?x=1`])
        for (const problem of databaseUrlProblems(text)) if (problem.includes('Geheim7')) return false
      return true
    }),
    { numRuns: 2000, examples: [['a?Geheim7=x'], ['a?Geheim7&'], ['a/Geheim7'], ['a?sslmode=Geheim7']] },
  )
})

t.test('start, the commands and doctor name the problem and fail', async (t) => {
  const env = { DATABASE_URL: 'postgres://ada:Geheim7@h1:1,h2:2/app?target_session_attrs=any&keepalives=1' }
  for (const command of ['start', 'migrate', 'sweep', 'doctor']) {
    const started = runHere([command], { env })
    t.equal(await started.ended, command === 'doctor' ? 1 : 2, command)
    t.match(started.output(), /DATABASE_URL.*target_session_attrs must be read-write or primary/, command)
    t.match(started.output(), /DATABASE_URL.*parameter keepalives is not supported/, command)
    t.notMatch(started.output(), 'Geheim7', command)
  }
})

t.test('each of several hosts is tried, and the error names the reason of each', async (t) => {
  const env = { DATABASE_URL: 'postgres://ada:Geheim7@127.0.0.1:1,[::1]:1/app?target_session_attrs=primary' }
  const started = runHere(['sweep'], { env })
  t.equal(await started.ended, 1)
  t.match(started.output(), /no host of DATABASE_URL is a primary that answers: 127\.0\.0\.1:1: .*; ::1:1: /)
  t.notMatch(started.output(), 'Geheim7')
})

t.test('connect_timeout shortens the wait for a host', async (t) => {
  const silent = createServer(() => {})
  const port = await listen(silent)
  t.teardown(() => silent.close())
  const url = `postgres://ada@127.0.0.1:${port}/app?connect_timeout=1`
  const patient = { name: 'a test', connectMs: 600_000 }
  await t.rejects(createConnector(url, patient).connect(), { message: 'timeout expired' })
})
