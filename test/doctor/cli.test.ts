/** `global-logout doctor` and `completion`, as an operator uses them. */
import t from 'tap'
import { TRIGGERS } from '../../src/doctor/database-checks.ts'
import { runHere } from '../support/command.ts'
import { testDatabase } from '../support/database.ts'
import { dropLogin } from '../support/logins.ts'
import { PLACES_FILE } from '../support/places.ts'
import { runProgram } from '../support/run-program.ts'
import { shellWord } from '../support/shell.ts'

const database = await testDatabase()
const { psql } = database

async function command(args: string[], env: Record<string, string> = {}) {
  const started = runHere(args, { env: { DATABASE_URL: database.url, ...env } })
  return { code: await started.ended, output: started.output() }
}
interface Finding {
  level: string
  what: string
  detail: string
}
async function findings(env: Record<string, string> = {}) {
  const { code, output } = await command(['doctor', '--json'], env)
  const found = Object.fromEntries(
    (JSON.parse(output) as Finding[]).map((finding) => [finding.what, finding]),
  )
  return { code, found }
}

t.test('doctor reports a healthy deployment as ok, and warns that the tests run as the owner', async (t) => {
  const { code, output } = await command(['doctor'])
  t.match(output, /^ok +database +PostgreSQL 1\d/m)
  t.match(output, /^ok +migrations +all applied/m)
  t.match(output, /^ok +triggers /m)
  t.match(output, /^ok +roles /m)
  t.match(output, /^ok +lifetimes +at most 30d old, 7d unused/m)
  t.match(output, /^ok +notifications +arrive/m)
  t.match(output, /^ok +vacuum +held back by nothing old/m)
  t.match(output, /^warning +rights .*global_logout_service/m, 'the tests run as the owner')
  const [{ fsync } = {}] = await psql<{ fsync: string }>('show fsync')
  t.match(output, fsync === 'on' ? /^ok +durable/m : /^problem +durable +fsync is off/m)
  t.equal(code, fsync === 'on' ? 0 : 1)
})

t.test('doctor finds problems in settings, and says how to fix them', async (t) => {
  t.match(await findings({ PUBLIC_URL: 'http://id.example.com' }), {
    code: 1,
    found: { cookie: { level: 'problem', detail: /https/ } },
  })
  const https = { PUBLIC_URL: 'https://id.example.com', ALLOWED_REDIRECTS: 'http://app.example.com' }
  t.match((await findings({ ...https, COOKIE_DOMAIN: 'example.com' })).found, {
    redirects: { level: 'warning', detail: /http:\/\/app\.example\.com/ },
    proxy: { level: 'warning', detail: /TRUST_PROXY/ },
    'sign-in': { level: 'warning', detail: /SIGN_IN_URL/ },
    'cookie domain': { level: 'warning' },
  })
  t.match((await findings({ GEOIP_DATABASE: PLACES_FILE })).found, {
    places: { detail: /^GeoLite2-City of 20\d\d-/ },
  })
  t.match((await findings({ GEOIP_DATABASE: '/nowhere.mmdb' })).found, {
    places: { level: 'warning', detail: /ENOENT/ },
  })
  t.match(await findings({ PLACE_HEADERS: 'CF-IPCountry' }), {
    code: 1,
    found: { PLACE_HEADERS: { detail: /TRUST_PROXY/ } },
  })
  const wrong = { PORT: 'many', TRUST_PROXY: '0.0.0.0/0', HOST: '0.0.0.0', SESSION_MAXAGE: '1d' }
  t.match(
    await findings(wrong),
    {
      code: 1,
      found: {
        PORT: { level: 'problem' },
        TRUST_PROXY: { level: 'problem', detail: /0\.0\.0\.0\/0 lets every client/ },
        SESSION_MAXAGE: { level: 'warning', detail: /Did you mean SESSION_MAX_AGE\?/ },
        database: { level: 'ok' },
        triggers: { level: 'ok' },
      },
    },
    'the database is checked all the same',
  )
  t.match(await findings({ ...wrong, DATABASE_URL: '' }), {
    code: 1,
    found: {
      PORT: { level: 'problem' },
      DATABASE_URL: { level: 'problem' },
      database: { detail: /not checked/ },
    },
  })
})

t.test('doctor works without a database, and reports that none answers', async (t) => {
  const { code, found } = await findings({ DATABASE_URL: 'postgres://127.0.0.1:1/x' })
  t.equal(code, 1)
  t.match(found.database, { level: 'problem', detail: /no database answers/ })
})

t.test('doctor names the right that the connecting role lacks', async (t) => {
  const url = new URL(database.url)
  url.username = `gl_test_doctor_${process.pid}`
  url.password = 'x'
  await psql(`create role ${url.username} login password 'x' in role global_logout_checker`)
  t.teardown(() => dropLogin({ psql }, url.username))
  t.match(await findings({ DATABASE_URL: url.href }), {
    code: 1,
    found: { rights: { level: 'problem', detail: `grant global_logout_service to ${url.username}` } },
  })
  const refused = await command(['user', 'find', 'ada'], { DATABASE_URL: url.href })
  t.match(refused, { code: 1, output: /permission denied .* global_logout_service/ })
  await psql(`grant global_logout_service to ${url.username}`)
  t.match((await findings({ DATABASE_URL: url.href })).found.rights, { level: 'ok' })
})

t.test('doctor finds rights revoked from the roles, and lifetimes that differ', async (t) => {
  await psql('revoke select on session_policy from global_logout_checker')
  t.match((await findings()).found.roles, { level: 'warning', detail: /global_logout\.grant_roles/ })
  await psql('select grant_roles()')
  t.match((await findings()).found.roles, { level: 'ok' })
  t.match((await findings({ SESSION_MAX_AGE: '36h', SESSION_IDLE_TIMEOUT: '90s' })).found.lifetimes, {
    level: 'warning',
    detail: /at most 30d old, 7d unused in the database; .* at most 36h old, 90s unused/,
  })
})

t.test('doctor names a login that can record operations for any actor, and its advice works', async (t) => {
  const name = `gl_test_recorder_${process.pid}`
  await psql(`create role ${name}; grant insert on operation to ${name}`)
  t.teardown(() => dropLogin({ psql }, name))
  const { level, detail } = (await findings()).found.recorders as Finding
  t.equal(level, 'warning')
  t.match(detail, new RegExp(`${name}.*"grant global_logout_application to"`))
  await psql(`grant global_logout_application to ${name}; revoke insert on operation from ${name}`)
  t.match((await findings()).found.recorders, { level: 'ok' })
  await psql(`grant all on staff, service_key to ${name}`)
  t.match((await findings()).found.recorders, {
    level: 'warning',
    detail: new RegExp(`: ${name} \\(service_key, staff\\)\\.`),
  })
  await psql(`revoke all on staff, service_key from ${name}`)
})

t.test('doctor finds an audit log restored from another server, and "migrate" fixes it', async (t) => {
  await psql(
    `insert into operation (id, kind, actor_kind, revoked_count) values (gen_random_uuid(), 'logout', 'user', 1)`,
  )
  t.match((await findings()).found.record, { level: 'ok' })
  await psql(`update operation set xid = '900000000000'`)
  t.match((await findings()).found.record, { level: 'problem', detail: /global-logout migrate/ })
  t.match(await command(['audit', 'verify']), { code: 1, output: /restored from another server/ })
  t.match(await command(['migrate']), { code: 0, output: /Restored from another server/ })
  t.match((await findings()).found.record, { level: 'ok' })
  t.match(await command(['audit', 'verify']), { code: 0 })
})

t.test('doctor knows every trigger', async (t) => {
  const there = await psql<{ place: string; name: string }>(
    'select tgrelid::regclass::text as place, tgname as name from pg_trigger where not tgisinternal',
  )
  t.same(
    there.map(({ place, name }) => `${place} ${name}`).sort(),
    TRIGGERS.map((one) => one.join(' ')).sort(),
  )
})

t.test('doctor finds disabled and missing triggers, and its advice works', async (t) => {
  const disabled = ['session_deleted', 'session_not_revived']
  await psql(`alter table session disable trigger ${disabled[0]}`)
  await psql(`alter table session enable replica trigger ${disabled[1]}`)
  const [{ definition } = { definition: '' }] = await psql<{ definition: string }>(
    `select pg_get_triggerdef(oid) as definition from pg_trigger where tgname = 'user_lock_announced'`,
  )
  await psql('drop trigger user_lock_announced on user_lock')
  const { level, detail } = (await findings()).found.triggers as Finding
  t.equal(level, 'problem')
  for (const name of disabled)
    t.match(detail, new RegExp(`disabled: .*${name} on global_logout\\.session.* As the owner`))
  t.match(detail, /missing: user_lock_announced on global_logout\.user_lock\./)

  // As an owner without superuser rights.
  const owner = `gl_test_owner_${process.pid}`
  const advice = /"(alter table .*?)"/.exec(detail)?.[1]
  await psql(
    `create role ${owner}; grant usage on schema global_logout to ${owner}; alter table session owner to ${owner}`,
  )
  await psql(`set role ${owner}; ${advice}; reset role`)
  await dropLogin({ psql }, owner)
  await psql(definition)
  t.match((await findings()).found.triggers, { level: 'ok' })
})

t.test('doctor finds pending migrations', async (t) => {
  await psql('delete from migration where id = (select max(id) from migration)')
  t.match((await findings()).found.migrations, { level: 'problem', detail: /global-logout migrate/ })
})

t.test('the shell completes commands, options and values', async (t) => {
  const { output: script } = await command(['completion', 'bash'])
  const complete = async (...words: string[]) => {
    const line = words.map(shellWord).join(' ')
    const { stdout } = await runProgram('bash', [
      '-c',
      `${script}\nCOMP_WORDS=(global-logout ${line}); COMP_CWORD=${words.length}; _global_logout; echo "\${COMPREPLY[*]}"`,
    ])
    return stdout.trim().split(' ')
  }
  t.same(await complete('doc'), ['doctor'])
  t.same(await complete('keys', 're'), ['revoke'])
  t.same((await complete('keys', '')).sort(), ['--help', '--version', 'create', 'list', 'revoke'])
  t.ok((await complete('keys', 'create', '--')).includes('--scope'))
  t.same(await complete('keys', 'revoke', 'some-id', '--y'), ['--yes'])
  t.same(await complete('keys', 'create', '--scope', 'i'), ['introspect'])
  t.same(await complete('audit', 'list', '--kind', 'ext'), ['external'])
  t.same(await complete('incident', 'plan', '--users', 'READM'), ['README.md'])
  t.same(await complete('revoke', 'ada', '--reason', ''), [''], 'free text is not completed')
  t.match(await command(['completion', 'powershell']), { code: 2, output: /bash, zsh, fish/ })
})
