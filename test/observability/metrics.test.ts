/** Metrics count what happened, without personal data, and clients cannot add time series. */
import t from 'tap'
import { createKey } from '../../src/service-api/keys.ts'
import { boundedFetch } from '../support/bounded-fetch.ts'
import { openStream } from '../support/event-stream.ts'
import { served } from '../support/served.ts'
import { json, servicesOn } from '../support/service.ts'
import { waitFor } from '../support/within.ts'
import { withoutSessions } from '../support/without-sessions.ts'

const service = await served({ CHECK_MODE: 'leased' })
const { ask, database, signIn } = service

/** The value of a line of `/metrics`. */
async function value(line: string): Promise<number> {
  const found = (await service.metrics()).split('\n').find((printed) => printed.startsWith(`${line} `))
  return Number(found?.slice(line.length))
}

/** How much a line grows while `work` runs. */
async function growth(line: string, work: () => Promise<unknown>): Promise<number> {
  const before = await value(line)
  await work()
  return (await value(line)) - before
}

const checks = (result: string) => `global_logout_check_duration_seconds_count{result="${result}"}`
const logouts = (scope: string, outcome: string) =>
  `global_logout_logouts_total{scope="${scope}",outcome="${outcome}"}`
const logout = (token: string, scope: string) => ask(token, '/api/logout', json({ scope }))

t.test('checks are counted by the answer to the gateway', async (t) => {
  const token = await signIn('ada')
  const asked = async (times: number, token: string | null, status: number) => {
    for (let n = 0; n < times; n++) t.equal(await ask(token, '/check/x'), status)
  }
  t.equal(await growth(checks('valid'), () => asked(5, token, 200)), 5)
  t.equal(await growth(checks('refused'), () => asked(2, 'unknown', 401)), 2)
  t.equal(await growth(checks('refused'), () => asked(1, null, 401)), 1, 'without a token, too')
  t.equal(
    await growth(checks('undecided'), () => withoutSessions(database, () => asked(3, 'unknown', 503))),
    3,
    'undecided checks',
  )
})

t.test('the buckets of checks include all checks, in seconds', async (t) => {
  const text = await service.metrics()
  const buckets = [...text.matchAll(/check_duration_seconds_bucket\{result="valid",le="(.*?)"\} (\d+)/g)]
  t.same(buckets.at(-1)?.slice(1), ['+Inf', String(await value(checks('valid')))])
  const counts = buckets.map(([, , count]) => Number(count))
  t.same(
    counts,
    counts.toSorted((a, b) => a - b),
    'buckets are cumulative',
  )
  const sum = await value('global_logout_check_duration_seconds_sum{result="valid"}')
  t.ok(sum > 0 && sum < 60, `${sum} s`)
})

t.test('logouts are counted by scope and outcome', async (t) => {
  for (const scope of ['local', 'others', 'global']) {
    const token = await signIn('ada')
    t.equal(await growth(logouts(scope, 'done'), () => logout(token, scope)), 1)
  }
  const token = await signIn('ada')
  t.equal(await growth(logouts('global', 'refused'), () => logout('unknown', 'global')), 1)
  const nothing = () => ask(token, `/api/sessions/${crypto.randomUUID()}`, { method: 'DELETE' })
  t.equal(await growth(logouts('one', 'refused'), nothing), 1)
  t.equal(
    await growth(logouts('global', 'failed'), () => withoutSessions(database, () => logout(token, 'global'))),
    1,
    'a logout that ended no session counts as failed',
  )
  // A deferred trigger runs inside COMMIT: it cuts the connection of the backend that commits.
  await database.psql(`create function cut() returns trigger language plpgsql as $$ begin
    perform pg_terminate_backend(pg_backend_pid()); perform pg_sleep(5); return null; end $$`)
  await database.psql(
    'create constraint trigger cut after insert on operation deferrable initially deferred for each row execute function cut()',
  )
  t.equal(await growth(logouts('global', 'unknown'), () => logout(token, 'global')), 1)
  await database.psql('drop trigger cut on operation')
})

t.test('an operation of another process is counted once, with its sessions and its lock', async (t) => {
  const revocations = 'global_logout_operations_total{kind="user.revoke"}'
  const ended = 'global_logout_sessions_ended_total{kind="user.revoke"}'
  t.same([await value(revocations), await value(ended), await value('global_logout_locks_total')], [0, 0, 0])
  await signIn('bob')
  const by = { actorKind: 'system' as const, actorId: 'cli:root' }
  await servicesOn(database.url).accounts.revoke('bob', { reason: 'stolen', lockSeconds: null }, by)
  await waitFor('the operation to be counted', async () => (await value(revocations)) > 0)
  t.same([await value(revocations), await value(ended), await value('global_logout_locks_total')], [1, 1, 1])
})

t.test('refused service keys are counted, and sessions that services create', async (t) => {
  const { key } = await database.transaction((tx) =>
    createKey(
      tx,
      { name: 'shop', scopes: ['sessions:create'], lifetimeSeconds: null },
      { actorKind: 'system', actorId: 'test' },
    ),
  )
  const refused = (reason: string) => `global_logout_service_keys_refused_total{reason="${reason}"}`
  const create = () => ask(key, '/api/sessions', json({ user: { id: 'ada' } }))
  t.equal(await growth('global_logout_sessions_created_total', create), 1)
  const introspect = (key: string) => () => ask(key, '/introspect', json({ token: 'x' }))
  t.equal(await growth(refused('insufficient_scope'), introspect(key)), 1)
  t.equal(await growth(refused('invalid_key'), introspect(`glk_${'x'.repeat(43)}`)), 1)
})

t.test('an activity update is counted once it is written', async (t) => {
  const written = 'global_logout_touches_total{outcome="written"}'
  const token = await signIn('ada')
  await database.psql(`update session set "lastSeenAt" = now() - interval '1 hour'`)
  const before = await value(written)
  t.equal(await ask(token, '/api/session'), 200)
  await waitFor('the activity update to be written', async () => (await value(written)) !== before)
  t.ok((await value(written)) > before)
})

t.test('followers of the feed are counted, and the events that they receive', async (t) => {
  const { key } = await database.transaction((tx) =>
    createKey(
      tx,
      { name: 'follower', scopes: ['events'], lifetimeSeconds: null },
      { actorKind: 'system', actorId: 'test' },
    ),
  )
  const stream = await openStream(({ signal, headers }) =>
    boundedFetch(`${service.base}/events`, {
      signal,
      headers: { ...headers, authorization: `Bearer ${key}` },
    }),
  )
  t.match(await stream.next(), { event: 'ready' })
  t.equal(await value('global_logout_feed_followers'), 1)
  t.ok((await value('global_logout_feed_reads_total{outcome="done"}')) >= 1)
  const told = async () => {
    const token = await signIn('ada')
    await logout(token, 'local')
    t.match(await stream.next(), { event: 'session.revoked' })
  }
  t.equal(await growth('global_logout_feed_events_total', told), 1)
  t.ok((await value('global_logout_feed_read_age_seconds')) < 60)
  await database.psql('alter table revoked_session rename to gone')
  await waitFor(
    'a read that failed',
    async () => (await value('global_logout_feed_reads_total{outcome="failed"}')) > 0,
  )
  await waitFor(
    'the last read to be a second old',
    async () => (await value('global_logout_feed_read_age_seconds')) >= 1,
  )
  await database.psql('alter table gone rename to revoked_session')
  await waitFor('a lease', async () => (await value('global_logout_leases_held')) >= 1)
  stream.close()
  await waitFor('the follower to be gone', async () => (await value('global_logout_feed_followers')) === 0)
  t.equal(await value('global_logout_feed_read_age_seconds'), 0, 'no follower waits for events')
})

t.test('pools, lease, event loop and version are exported', async (t) => {
  const text = await service.metrics()
  for (const pool of ['requests', 'checks', 'waits', 'lease'])
    t.match(text, new RegExp(`^global_logout_pool_connections\\{pool="${pool}"\\} \\d+$`, 'm'))
  t.match(text, /^global_logout_leases_held 1$/m)
  t.match(text, /^nodejs_eventloop_lag_p99_seconds \d/m)
  t.match(text, /^process_resident_memory_bytes \d/m)
  const { version } = (await import('../../package.json', { with: { type: 'json' } })).default
  t.match(text, `global_logout_build_info{version="${version}",node="${process.version}"} 1`)
})

t.test('requests are counted by route, method and status', async (t) => {
  const token = await signIn('ada')
  const line =
    'global_logout_http_request_duration_seconds_count{method="DELETE",route="/api/sessions/:id",status="404"}'
  const nothing = () => ask(token, `/api/sessions/${crypto.randomUUID()}`, { method: 'DELETE' })
  await nothing()
  t.equal(await growth(line, nothing), 1)
})

t.test('no client adds a line, and no line contains personal data', async (t) => {
  const canary = 'canary7c1e'
  const token = await signIn(`${canary}-user`)
  const knock = async (n: number) => {
    const mark = `${canary}${n}`
    const headers = {
      'user-agent': mark,
      'x-request-id': mark,
      'x-forwarded-for': mark,
      host: `${mark}.example`,
    }
    await ask(`${mark}`, `/check/${mark}?${mark}`, { headers })
    await ask(token, `/${mark}`, { headers })
    await ask(token, `/api/sessions/${mark}`, { method: 'DELETE', headers })
    await ask(token, '/api/logout', { ...json({ scope: mark, callbackUrl: mark }), method: 'PUT' })
    await ask(token, '/api/logout', json({ scope: mark }))
    await ask(`glk_${mark}`, '/introspect', json({ token: mark }))
    await ask(null, `/${mark}`, { method: ['PROPFIND', 'REPORT', 'MKCOL', 'LINK', 'PURGE'][n % 5] ?? '' })
    await ask(null, `/%${mark}`)
  }
  const lines = async () => (await service.metrics()).split('\n').map((line) => line.split(' ')[0])
  await knock(0)
  await service.metrics()
  const before = await lines()
  for (let n = 1; n < 12; n++) await knock(n)
  const after = await lines()
  t.same(
    after.filter((line) => !before.includes(line)),
    [],
  )
  t.notMatch(await service.metrics(), canary)
  t.notMatch(await service.metrics(), token)
})
