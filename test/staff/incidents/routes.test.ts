/** The staff API for incidents: what each role may do, and that other callers are refused. */

import t from 'tap'
import { KEY_SCOPES } from '../../../src/service-api/scopes.ts'
import { carryOut, startIncidentRunner } from '../../../src/staff/incidents/runner.ts'
import type { StaffRole } from '../../../src/staff/role-names.ts'
import { setRole } from '../../../src/staff/roles.ts'
import { addSessions, addsUp } from '../../support/incidents.ts'
import { strictLog } from '../../support/log.ts'
import { json, startService } from '../../support/service.ts'
import { waitFor } from '../../support/within.ts'

const service = await startService({ env: { STAFF_MAX_AUTH_AGE: '10m' } })
const { database, http } = service
const security = (await service.keyFor('security')).headers

type Headers = Record<string, string>
interface Incident {
  planId: string
  state: string
  ended: number
  operationId: string
  planned: { sessions: number }
}

const post = (path: string, headers: Headers, body: unknown = {}) => {
  const request = json(body)
  return http(`/api/admin/incidents${path}`, { ...request, headers: { ...request.headers, ...headers } })
}
const get = (path = '', headers: Headers = security) => http(`/api/admin/incidents${path}`, { headers })
const bodyOf = async <T>(response: Response | Promise<Response>) => (await (await response).json()) as T
const plan = async (select: unknown, reason = 'a leak') => {
  const response = await post('', security, { reason, select })
  if (response.status !== 201) throw new Error(await response.text())
  return bodyOf<{ planId: string; sessions: number; unknownUsers: string[] }>(response)
}
const codeOf = async (response: Response) => {
  const { code, field } = await bodyOf<{ code: string; field?: string }>(response)
  return [response.status, code, ...(field === undefined ? [] : [field])].join(' ')
}
/** A user with a role, authenticated by bearer token. */
const person = async (role: StaffRole | null) => {
  const id = await service.addUser()
  await database.run((db) => setRole(db, id, role))
  const { token, id: sessionId } = await service.signIn(id)
  return { id, token, sessionId, headers: { authorization: `Bearer ${token}` } }
}

t.test('from the plan to the report', async (t) => {
  await addSessions(service, 'x', { users: 5, each: 3 })
  const planned = await post('', security, {
    reason: '  stolen laptop ',
    select: { userAgent: 'x', userIds: ['x1', 'x2', 'who'] },
  })
  t.equal(planned.status, 201)
  t.equal(planned.headers.get('cache-control'), 'no-store')
  const answer = await bodyOf<{ planId: string; sample: unknown[]; expiresAt: string }>(planned)
  t.match(answer, { sessions: 6, users: 2, staffSessions: 0, unknownUsers: ['who'] })
  t.match(Object.keys(answer.sample[0] as object).sort(), [
    'createdAt',
    'ipAddress',
    'sessionId',
    'userAgent',
    'userId',
  ])
  t.ok(Date.parse(answer.expiresAt) > Date.now())

  const { planId } = answer
  t.match(await bodyOf(get(`/${planId}`)), {
    state: 'planned',
    reason: 'stolen laptop',
    executedBy: null,
    ended: 0,
    outcome: null,
  })
  t.match(await bodyOf(get(`/${planId}/report`)), { state: 'planned' })
  const executed = await post(`/${planId.toUpperCase()}/execute`, security)
  t.equal(executed.status, 202)
  t.match(await bodyOf(executed), { planId, state: 'running' })

  const runner = startIncidentRunner(database, service.barrier, strictLog(t))
  await waitFor(
    'the incident to be done',
    async () => (await bodyOf<Incident>(get(`/${planId}`))).state === 'done',
  )
  await runner.close()
  const again = await post(`/${planId}/execute`, security)
  t.equal(again.status, 202, 'executing twice succeeds')
  const report = await bodyOf<Incident>(get(`/${planId}/report`))
  t.same(await bodyOf(again), report, 'and changes nothing')
  t.match(report, {
    state: 'done',
    ended: 6,
    executedBy: { kind: 'service' },
    selection: { userIds: ['x1', 'x2', 'who'], userAgent: 'x' },
  })
  const { incidents } = await bodyOf<{ incidents: Incident[] }>(get())
  t.same(incidents[0], report)
  await addsUp(t, service, planId, { endedPlanned: 6, users: 2 })
  const [operation] = await database.psql(
    `select actor_kind, reason, request_id from operation where id = $1`,
    [report.operationId],
  )
  t.match(operation, {
    actor_kind: 'service',
    reason: 'stolen laptop',
    request_id: executed.headers.get('x-request-id'),
  })
})

t.test('an incident planned by one member of staff and executed by another names both', async (t) => {
  const [one, other, victim] = [await person('security'), await person('security'), await person(null)]
  const planned = await post('', one.headers, { reason: 'why', select: { userIds: [victim.id] } })
  const { planId } = await bodyOf<Incident>(planned)
  t.equal(await service.check(victim.token), 200, 'a plan ends nothing')
  t.equal((await post(`/${planId}/execute`, other.headers)).status, 202)
  t.ok(await carryOut(database, service.barrier, planId))
  t.equal(await service.check(victim.token), 401)
  t.match(await bodyOf(get(`/${planId}`, one.headers)), {
    plannedBy: { kind: 'staff', id: one.id },
    executedBy: { kind: 'staff', id: other.id },
  })
  const rows = await database.psql(
    `select kind, actor_id as id, actor_session_id as session from operation where result ->> 'planId' = $1 order by at, kind`,
    [planId],
  )
  t.same(rows, [
    { kind: 'incident.plan', id: one.id, session: one.sessionId },
    { kind: 'incident.execute', id: other.id, session: other.sessionId },
    { kind: 'incident.finish', id: null, session: null },
  ])
})

t.test('an expired plan gets 409, an unknown one 404', async (t) => {
  const { planId } = await plan({ everyone: true })
  await database.psql(`update incident set expires_at = now() where id = $1`, [planId])
  t.equal(await codeOf(await post(`/${planId}/execute`, security)), '409 incident_not_open')
  t.match(await bodyOf(get(`/${planId}`)), { state: 'expired' })
  const nowhere = crypto.randomUUID()
  for (const path of [`/${nowhere}`, `/${nowhere}/report`])
    t.equal(await codeOf(await get(path)), '404 incident_not_found')
  t.equal(await codeOf(await post(`/${nowhere}/execute`, security)), '404 incident_not_found')
  t.equal(await codeOf(await post(`/nonsense/execute`, security)), '400 invalid_request planId')
  t.equal(await codeOf(await get(`/nonsense`)), '400 invalid_request planId')
})

t.test('every caller gets exactly its rights', async (t) => {
  const { planId } = await plan({ userIds: ['nobody at all'] })
  const body = { reason: 'why', select: { userIds: ['nobody at all'] } }
  const calls = {
    list: (headers: Headers) => get('', headers),
    look: (headers: Headers) => get(`/${planId}`, headers),
    report: (headers: Headers) => get(`/${planId}/report`, headers),
    csv: (headers: Headers) => get(`/${planId}/report`, { ...headers, accept: 'text/csv' }),
    plan: (headers: Headers) => post('', headers, body),
    execute: (headers: Headers) => post(`/${planId}/execute`, headers),
  }
  const cookie = ({ token }: { token: string }, site: Headers = { 'sec-fetch-site': 'same-origin' }) => ({
    cookie: `${service.cookieName}=${token}`,
    ...site,
  })
  const [staff, auditor, user, stale] = [
    await person('security'),
    await person('auditor'),
    await person(null),
    await person('security'),
  ]
  await database.psql(`update session set "createdAt" = now() - interval '11 minutes' where id = $1`, [
    stale.sessionId,
  ])
  const former = await person('security')
  await database.run((db) => setRole(db, former.id, null))
  const signedOut = await person('security')
  await service.as(signedOut.token, '/api/logout', json({}))
  const keys = await Promise.all(
    KEY_SCOPES.map(async (scope) => [`key ${scope}`, (await service.keyFor(scope)).headers] as const),
  )
  const all: Record<string, Headers> = {
    nobody: {},
    'a wrong key': { authorization: `Bearer glk_${'x'.repeat(43)}` },
    ...Object.fromEntries(keys),
    'a user': user.headers,
    'a user whose role was removed': former.headers,
    'staff who signed out': signedOut.headers,
    auditor: auditor.headers,
    'auditor by cookie': cookie(auditor),
    security: staff.headers,
    'security by cookie': cookie(staff),
    'security by cookie, from another site': cookie(staff, { 'sec-fetch-site': 'cross-site' }),
    'security by cookie, without proof of origin': cookie(staff, {}),
    'security, signed in long ago': stale.headers,
  }
  const refusal: Record<string, [reading: number | string, harming: number | string]> = {
    nobody: ['401 unauthenticated', '401 unauthenticated'],
    'a wrong key': ['401 invalid_key', '401 invalid_key'],
    'key introspect': ['403 insufficient_scope', '403 insufficient_scope'],
    'key sessions:create': ['403 insufficient_scope', '403 insufficient_scope'],
    'key users:delete': ['403 insufficient_scope', '403 insufficient_scope'],
    'key events': ['403 insufficient_scope', '403 insufficient_scope'],
    'key leases': ['403 insufficient_scope', '403 insufficient_scope'],
    'a user': ['403 not_staff', '403 not_staff'],
    'a user whose role was removed': ['403 not_staff', '403 not_staff'],
    'staff who signed out': ['401 invalid_token', '401 invalid_token'],
    auditor: [200, '403 read_only'],
    'auditor by cookie': [200, '403 read_only'],
    'security by cookie, from another site': [200, '403 cross_origin'],
    'security by cookie, without proof of origin': [200, '403 cross_origin'],
    'security, signed in long ago': [200, '403 sign_in_again'],
  }
  const before = (await database.psql('select from incident')).length
  for (const [who, headers] of Object.entries(all)) {
    const [reading, harming] = refusal[who] ?? [200, null]
    for (const [what, call] of Object.entries(calls)) {
      const wanted = { plan: harming ?? 201, execute: harming ?? 202 }[what] ?? reading
      const response = await call(headers)
      t.equal(
        typeof wanted === 'number' ? response.status : await codeOf(response),
        wanted,
        `${who}: ${what}`,
      )
    }
  }
  const planned = (await database.psql('select from incident')).length - before
  t.equal(planned, 3, 'the key with the scope, and security twice; no other caller')
})

t.test('an invalid selection is refused, and the field named', async (t) => {
  const cases: [unknown, string][] = [
    [null, 'body'],
    [7, 'body'],
    [[], 'body'],
    [{ select: { everyone: true } }, 'reason'],
    [{ reason: ' ', select: { everyone: true } }, 'reason'],
    [{ reason: 'x'.repeat(1_001), select: { everyone: true } }, 'reason'],
    [{ reason: 'a\0b', select: { everyone: true } }, 'reason'],
    [{ reason: '\ud800', select: { everyone: true } }, 'reason'],
    [{ reason: 'why' }, 'select'],
    [{ reason: 'why', select: {} }, 'select'],
    [{ reason: 'why', select: [] }, 'select'],
    [{ reason: 'why', select: { everyone: false } }, 'select.everyone'],
    [{ reason: 'why', select: { everyone: 'true' } }, 'select.everyone'],
    [{ reason: 'why', select: { everyone: null } }, 'select.everyone'],
    [{ reason: 'why', select: { userIds: [] } }, 'select.userIds'],
    [{ reason: 'why', select: { userIds: 'u1' } }, 'select.userIds'],
    [{ reason: 'why', select: { userIds: { 0: 'u1', length: 1 } } }, 'select.userIds'],
    [{ reason: 'why', select: { userIds: null } }, 'select.userIds'],
    [{ reason: 'why', select: { userIds: ['u1', ''] } }, 'select.userIds.1'],
    [{ reason: 'why', select: { userIds: ['u1', 7] } }, 'select.userIds.1'],
    [{ reason: 'why', select: { userIds: ['\0'] } }, 'select.userIds.0'],
    [{ reason: 'why', select: { userIds: ['\udfff'] } }, 'select.userIds.0'],
    [{ reason: 'why', select: { userIds: ['x'.repeat(1_025)] } }, 'select.userIds.0'],
    [{ reason: 'why', select: { userIds: Array(200_001).fill('x') } }, 'select.userIds'],
    [{ reason: 'why', select: { userAgent: '' } }, 'select.userAgent'],
    [{ reason: 'why', select: { userAgent: 'a\0' } }, 'select.userAgent'],
    [{ reason: 'why', select: { everyone: true, country: 'x' } }, 'select.country'],
    [{ reason: 'why', select: { everyone: true }, execute: true }, 'execute'],
  ]
  const ranges = [
    '',
    '203.0.113',
    '203.0.113.0/33',
    '203.0.113.0/',
    '203.0.113.0/-1',
    '203.0.113.0/8/8',
    '10.0.0.0/8 ',
    '010.0.0.1',
    '::/129',
    'fe80::1%eth0',
    'fe80::1%eth0/64',
    'example.com',
    "'",
    '203.0.113.0/255.255.255.0',
    '203.0.113.0-203.0.113.9',
    '::ffff:1.2.3.4/999',
  ]
  for (const ipRange of ranges) cases.push([{ reason: 'why', select: { ipRange } }, 'select.ipRange'])
  const domains = [
    '',
    '@',
    '@example.com',
    'ada@example.com',
    '.example.com',
    'example.com.',
    'a..b',
    '-a.com',
    'a-.com',
    'a b',
    '*.com',
    '%',
    'example.com\0',
    '\udfff',
    `${'x'.repeat(64)}.com`,
    `${'x.'.repeat(126)}xx`,
    ['example.com'],
    null,
  ]
  for (const emailDomain of domains)
    cases.push([{ reason: 'why', select: { emailDomain } }, 'select.emailDomain'])
  const instants = [
    '2026-11-24',
    '2026-11-24T13:00:00',
    '2026-02-30T00:00:00Z',
    'yesterday',
    1764000000000,
    '0000-01-01T00:00:00Z',
    '9999-12-31T23:59:59-10:00',
    'infinity',
  ]
  for (const instant of instants)
    for (const part of ['createdBefore', 'createdAfter'])
      cases.push([{ reason: 'why', select: { [part]: instant } }, `select.${part}`])
  for (const [body, field] of cases) {
    const response = await post('', security, body)
    t.equal(await codeOf(response), `400 invalid_request ${field}`, JSON.stringify(body)?.slice(0, 80))
  }
  t.equal(
    (
      await http('/api/admin/incidents', {
        ...json(''),
        body: '{',
        headers: { ...json('').headers, ...security },
      })
    ).status,
    400,
  )
})

t.test('PostgreSQL accepts every selection that the API accepts', async (t) => {
  const select = [
    { ipRange: '::/0' },
    { ipRange: '::ffff:0:0/96' },
    { ipRange: '::1.2.3.4' },
    { ipRange: '1.2.3.4/0' },
    { emailDomain: 'BÜCHER.example' },
    { emailDomain: `${'x.'.repeat(126)}x` },
    { createdBefore: '2999-12-31T23:59:59.999999999Z' },
    { createdAfter: '1900-01-02T00:00:00+23:59' },
    { createdAfter: '2026-11-24T13:00Z', createdBefore: '2020-01-01T00:00:00-00:30' },
    { userAgent: `'"\\%_$1{}()[]*?😀\u202e` },
    { userIds: [`'); drop table "user"; --`, '{}', '"', '\\', 'NULL', '😀', ' '] },
  ]
  for (const each of select) t.equal(typeof (await plan(each)).sessions, 'number', JSON.stringify(each))
})

t.test('a list of 200,000 users is stored in full, shown in short, and audited by a hash', async (t) => {
  const userIds = Array.from({ length: 200_000 }, (_, i) => `many-${i}-${'x'.repeat(24)}`)
  await service.addUser(userIds[0])
  const last = userIds.at(-1) ?? ''
  await service.addUser(last)
  const { token } = await service.signIn(last)
  const { planId, sessions, unknownUsers } = await plan({ userIds })
  t.equal(sessions, 1)
  t.same(unknownUsers, userIds.slice(1, -1))
  t.equal((await plan({ userIds: ['twice', 'twice'] })).unknownUsers.length, 1)
  const answer = await (await get(`/${planId}`)).text()
  t.ok(answer.length < 10_000)
  t.match(JSON.parse(answer), {
    selection: { userIds: userIds.slice(0, 100), userCount: 200_000, userIdsSha256: /^[0-9a-f]{64}$/ },
  })
  t.equal((await post(`/${planId}/execute`, security)).status, 202)
  t.ok(await carryOut(database, service.barrier, planId))
  t.equal(await service.check(token), 401)
  await addsUp(t, service, planId, { endedPlanned: 1, users: 1 })
})

t.test('a body that is too large is refused; without a key it is not even read', async (t) => {
  const body = JSON.stringify({ reason: 'why', select: { userIds: ['x'.repeat(17 * 1024 * 1024)] } })
  const send = (headers: Headers) =>
    http('/api/admin/incidents', {
      method: 'POST',
      body,
      headers: { 'content-type': 'application/json', ...headers },
    })
  t.equal(await codeOf(await send(security)), '413 body_too_large')
  // The refusal may arrive while the body is still being sent, and close the connection.
  const refused = await send({}).then(codeOf, () => 'closed')
  t.match(refused, /^(401 unauthenticated|closed)$/)
})

t.test('the report as CSV has a row for each ended session, and no formulas', async (t) => {
  const evil = '=HYPERLINK("http://evil.example")'
  const user = await service.addUser(`@${crypto.randomUUID()}`)
  const one = await service.signIn(user, evil, '2001:db8::1')
  await addSessions(service, 'csv', { users: 500, each: 9 })
  const { planId } = await plan({ userIds: [user, ...Array.from({ length: 500 }, (_, i) => `csv${i + 1}`)] })
  await post(`/${planId}/execute`, security)
  t.ok(await carryOut(database, service.barrier, planId))
  const response = await get(`/${planId}/report`, { ...security, accept: 'text/csv' })
  t.equal(response.headers.get('content-type'), 'text/csv; charset=utf-8')
  t.equal(response.headers.get('content-disposition'), `attachment; filename="incident-${planId}.csv"`)
  t.equal(response.headers.get('cache-control'), 'no-store')
  const text = await response.text()
  const [head, ...rows] = text.trimEnd().split('\r\n')
  t.equal(head, '"sessionId","userId","endedAt","createdAt","lastSeenAt","ipAddress","userAgent"')
  t.equal(rows.length, 4_501)
  t.equal(new Set(rows.map((row) => row.slice(0, 38))).size, 4_501)
  const mine = rows.find((row) => row.includes(one.id)) ?? ''
  t.match(mine, `"'${user}"`)
  t.match(mine, `"2001:db8::1","'=HYPERLINK(""http://evil.example"")"`)
})

t.test('while the database is unavailable, no success is claimed', async (t) => {
  const { testDatabase } = await import('../../support/database.ts')
  const gone = await testDatabase()
  const other = await startService({ database: gone })
  const { headers } = await other.keyFor('security')
  await gone.psql(`alter table incident rename to incident_away`)
  await gone.psql(`alter table session rename to session_away`)
  const ask = (path: string, init: RequestInit = {}) =>
    other.http(`/api/admin/incidents${path}`, {
      ...init,
      headers: { ...headers, 'content-type': 'application/json' },
    })
  const id = crypto.randomUUID()
  const answers = [
    await ask('', { method: 'POST', body: JSON.stringify({ reason: 'why', select: { everyone: true } }) }),
    await ask(`/${id}/execute`, { method: 'POST', body: '{}' }),
    await ask(`/${id}`),
    await ask(`/${id}/report`),
    await ask(''),
  ]
  for (const response of answers) t.equal(await codeOf(response), '503 unavailable')
  await gone.psql(`alter table incident_away rename to incident`)
  await gone.psql(`alter table session_away rename to session`)
})
