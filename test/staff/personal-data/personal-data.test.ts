/** A person gets all that is kept of them, and is erased on request; an auditor with a head from before still verifies the audit log. */
import t from 'tap'
import { deleteOldAddresses } from '../../../src/sessions/sweeper.ts'
import { readChainHead, seal, verify } from '../../../src/staff/audit/chain.ts'
import { runIncident } from '../../../src/staff/incidents/run.ts'
import { mentions } from '../../../src/staff/personal-data/erase.ts'
import { runHere } from '../../support/command.ts'
import { hold } from '../../support/hold.ts'
import { json, NEVER_MS, startService } from '../../support/service.ts'
import { waitFor } from '../../support/within.ts'

const service = await startService({
  env: { TRUST_PROXY: '127.0.0.1' },
  replayFlushMs: NEVER_MS,
  except: ['sealer', 'sweeper'],
})
const { database, as, http, addUser, signIn, incidents } = service
const { psql } = database
const STAFF = {
  actorKind: 'staff',
  actorId: 'grace',
  actorSessionId: null,
  ipAddress: '192.0.2.50',
  userAgent: 'Desk/1.0',
} as const
const DAY = 86_400

await addUser('grace', { name: 'Grace' })
await psql(`insert into staff (user_id, role) values ('grace', 'security')`)
const desk = await signIn('grace', 'Desk/1.0', '192.0.2.50')

/** A user of whom everything is kept: sessions, sign-outs, acts of staff, an incident with others, and a reused token. */
async function person(id: string) {
  await addUser(id, { name: `Name of ${id}`, email: `${id}@example.com` })
  const [phone, laptop, tablet] = await Promise.all(
    ['Phone/1.0', 'Laptop/1.0', 'Tablet/1.0'].map((agent) => signIn(id, `${id} ${agent}`, '198.51.100.7')),
  )
  const from = { 'x-forwarded-for': '198.51.100.7', 'user-agent': `${id} Phone/1.0` }
  await as(phone?.token as string, '/api/logout', {
    ...json({ scope: 'local' }),
    headers: { ...json({}).headers, ...from },
  })
  await http('/check', {
    headers: { authorization: `Bearer ${phone?.token}`, 'x-forwarded-for': '203.0.113.66' },
  })
  await service.replays.flush()
  const { planId } = await incidents.plan({ userIds: ['bob', id] }, 'token store leaked', STAFF)
  await incidents.execute(planId, STAFF)
  await runIncident(database, service.barrier, planId)
  await service.accounts.revoke(id, { reason: `${id} lost a phone`, lockSeconds: 60 }, STAFF)
  await service.accounts.unlock(id, `${id} is back`, STAFF)
  const again = await signIn(id, `${id} Phone/2.0`, '198.51.100.8')
  await seal(database)
  return { id, phone, laptop, tablet, again, planId }
}
const erase = (id: string, body: object = {}, token = desk.token) =>
  as(token, `/api/admin/users/${id}`, {
    ...json({ reason: 'request 17', confirm: id, ...body }),
    method: 'DELETE',
  })

/** Every row of every table that holds this text, as JSON. */
async function rowsWith(text: string): Promise<string[]> {
  const tables = await psql<{ name: string }>(
    `select relname::text as name from pg_class where relnamespace = 'global_logout'::regnamespace and relkind = 'r'`,
  )
  const found: string[] = []
  for (const { name } of tables)
    for (const { row } of await psql<{ row: string }>(
      `select to_jsonb(each)::text as row from global_logout."${name}" each where strpos(to_jsonb(each)::text, $1) > 0`,
      [text],
    ))
      found.push(`${name}: ${row}`)
  return found
}
const findings = async (expect?: string) =>
  (await verify(database, { expect })).findings.map(({ kind }) => kind).join()

t.test('an export holds all that is kept of a person, says what it is, and names no other', async (t) => {
  const { id, planId, again } = await person('ida')
  const answer = await as(desk.token, `/api/admin/users/${id}/export`)
  t.equal(answer.status, 200)
  t.match(answer.headers.get('content-disposition'), 'personal-data.json')
  const text = await answer.text()
  const told = JSON.parse(text)
  t.match(told, {
    about: { userId: id, operationId: /^[0-9a-f-]{36}$/ },
    user: { rows: [{ id, email: 'ida@example.com' }] },
    sessions: { rows: [{ id: again.id, ipAddress: '198.51.100.8' }] },
    reusedTokens: { rows: [{ ipAddress: '203.0.113.66', count: 1 }] },
    incidents: { rows: [{ id: planId, state: 'done' }] },
  })
  t.equal(told.endedSessions.rows.length, 3)
  const kinds = told.operations.rows.map(({ kind }: { kind: string }) => kind).sort()
  t.same(kinds, ['incident.execute', 'logout', 'user.export', 'user.revoke', 'user.unlock'])
  for (const section of Object.values(told) as { is: string }[]) t.ok(section.is.length > 20, section.is)
  for (const other of ['bob', 'grace', '192.0.2.50', 'Desk/1.0', 'token store', 'sessionToken'])
    t.notMatch(text, other, `nothing of ${other}`)
  const [entry] = (await service.audit.list({ kind: 'user.export' })).entries
  t.match(entry, { userId: id, actorKind: 'staff', actorId: 'grace' }, 'the export is recorded')
  const cli = runHere(['user', 'export', id], { env: { DATABASE_URL: database.url } })
  await cli.ended
  t.same(Object.keys(JSON.parse(cli.stdout())), Object.keys(told))
  t.equal((await as(desk.token, '/api/admin/users/stranger/export')).status, 404)
})

t.test('an erased person is named nowhere, and heads from before still verify', async (t) => {
  const { id, again, planId } = await person('ottilie')
  const head = await readChainHead(database)
  const before = await verify(database, { expect: head })
  const answer = await erase(id)
  t.equal(answer.status, 200)
  const done = (await answer.json()) as { operationId: string }
  t.match(done, { ended: 1, entries: 7, revocations: 4, replays: 1, incidents: 1, lockKept: false })
  t.equal(await service.check(again.token), 401)
  t.same(await rowsWith('ottilie'), [], 'not in any row')
  t.same(
    await rowsWith('198.51.100.'),
    (await rowsWith('198.51.100.')).filter((row) => row.includes('ida')),
  )

  const { erased, findings } = await verify(database, { expect: head })
  t.same(findings, before.findings)
  t.equal(erased, 7)
  const [entry] = (await service.audit.list({ kind: 'user.erase' })).entries
  t.match(entry, { id: done.operationId, userId: null, actorId: 'grace', reason: 'request 17' })
  const { entries } = await service.audit.list({})
  const ended = entries.find(({ kind, erasedBy }) => kind === 'user.revoke' && erasedBy === done.operationId)
  t.match(
    ended,
    { userId: null, reason: null, actorId: 'grace', ipAddress: '127.0.0.1' },
    'what staff did stays',
  )
  const logout = entries.find(({ kind, erasedBy }) => kind === 'logout' && erasedBy === done.operationId)
  t.match(logout, { userId: null, actorId: null, ipAddress: null, userAgent: null, scope: 'local' })
  t.match(await incidents.get(planId), { selection: { userIds: ['bob'] } }, 'others stay in the selection')
  const shown = runHere(['audit', 'verify'], { env: { DATABASE_URL: database.url } })
  t.equal(await shown.ended, 0)
  t.match(shown.output(), /intact: .* 7 operations with a person erased/)

  t.match(await (await erase(id)).json(), { operationId: null, entries: 0 }, 'once more changes nothing')
  t.equal((await erase('stranger')).status, 404)
  const back = await signIn(id)
  t.equal(await service.check(back.token), 200)
  t.match(await service.accounts.show(id), { sessionCount: 1, revocations: [], replays: [] }, 'a new person')
  const [taken] = await psql<{ outcome: string }>(
    `select outcome from take_over('old', 'ottilie', now() + interval '1 day', '{}', null, null)`,
  )
  t.equal(taken?.outcome, 'signed_out', 'no session from before comes back')
})

t.test('a person who is erased and then deleted by the application is not named again', async (t) => {
  const { id } = await person('miranda')
  const cli = runHere(['user', 'erase', id, '--reason', 'request 19', '--yes'], {
    env: { DATABASE_URL: database.url },
  })
  t.equal(await cli.ended, 0)
  t.match(
    cli.output(),
    /^1 session ended. Erased from 7 entries, 4 ended sessions, 1 reused token, 1 incident/,
  )
  await psql(`select remove_user('miranda', 'service', null)`)
  t.same(await rowsWith('miranda'), [])
  t.equal(await findings(), '')
})

t.test('without the right or the exact id, no person is erased', async (t) => {
  const { id, again } = await person('evelyn')
  await addUser('alan')
  await psql(`insert into staff (user_id, role) values ('alan', 'auditor')`)
  const auditor = await signIn('alan')
  const key = await service.keyFor('users:delete')
  const code = async (response: Response) => ((await response.json()) as { code: string }).code
  t.equal(await code(await erase(id, {}, auditor.token)), 'read_only')
  t.equal(await code(await as(auditor.token, `/api/admin/users/${id}/export`)), 'read_only')
  t.equal(await code(await erase(id, {}, again.token)), 'not_staff')
  t.equal(await code(await http(`/api/admin/users/${id}/export`, key)), 'insufficient_scope')
  t.equal(await code(await erase(id, { confirm: 'eve' })), 'invalid_request')
  t.equal(await code(await erase(id, { reason: 'Evelyn@example.com asked' })), 'invalid_request')
  t.equal(await code(await erase('alan')), 'user_is_staff')
  t.equal(await service.check(again.token), 200)
  t.ok(mentions('Asked by Name of evelyn.', 'name of evelyn'))
  t.notOk(mentions('ticket 47110', '4711'))
  const page = await as(desk.token, `/admin/user/erase?id=${id}`)
  t.match(await page.text(), /1 session will end/)
  const form = (confirm: string) => ({
    method: 'POST',
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
    body: new URLSearchParams({ reason: 'request 18', confirm }),
  })
  t.equal((await as(desk.token, `/admin/user/erase?id=${id}`, form('evi'))).status, 400)
  t.equal((await as(desk.token, `/admin/user/erase?id=${id}`, form('evelyn'))).status, 303)
  t.same(await rowsWith('evelyn'), [])
})

t.test('a lock in force outlives the erasure, without its reason', async (t) => {
  await person('louella')
  await service.accounts.revoke('louella', { reason: 'louella spams', lockSeconds: null }, STAFF)
  t.match(await (await erase('louella')).json(), { lockKept: true })
  t.match(await rowsWith('louella'), [/^user_lock: .*kept when the user was erased/])
  await t.rejects(signIn('louella'), { code: 'user_locked' })
  await psql(`delete from user_lock`)
})

t.test('an erased entry that was changed, or one emptied without an erasure, is found', async (t) => {
  await person('zoe')
  await person('pat')
  t.equal((await erase('zoe')).status, 200)
  await seal(database)
  const head = await readChainHead(database)
  t.equal(await findings(head), '')
  const [erasure] = await psql<{ id: string }>(
    `select id from operation where kind = 'user.erase' order by at desc limit 1`,
  )
  const zoe = `(select operation_id from audit_link join operation o on o.id = operation_id
    where erased_by = '${erasure?.id}' and kind = 'user.revoke' order by seq limit 1)`
  const pat = `(select id from operation where user_id = 'pat' and kind = 'user.revoke')`
  const salts = "subject_salt = null, subject_hash = decode(p.parts[1], 'hex')"
  const emptied = `update audit_link l set ${salts} from (select l.seq, operation_parts(o, l) as parts from operation o
      join audit_link l on l.operation_id = o.id where o.id = ${pat}) p where p.seq = l.seq`
  const attacks: [string, string, string][] = [
    ['a name is put back', `update operation set user_id = 'pat' where id = ${zoe}`, 'operation_changed'],
    ['another actor', `update operation set actor_id = 'eve' where id = ${zoe}`, 'operation_changed'],
    [
      'a forged salt',
      `update audit_link set subject_salt = gen_random_uuid() where operation_id = ${zoe}`,
      'operation_changed,erasure_changed',
    ],
    [
      'a forged hash',
      `update audit_link set subject_hash = sha256('x') where operation_id = ${zoe}`,
      'operation_changed',
    ],
    [
      'a salt that is exchanged',
      `update audit_link set subject_salt = gen_random_uuid() where operation_id = ${pat}`,
      'operation_changed',
    ],
    [
      'an entry that is emptied',
      `${emptied}; update operation set user_id = null, reason = null where id = ${pat}`,
      'operation_emptied',
    ],
    [
      'an entry that is emptied in the name of an erasure',
      `${emptied}; update operation set user_id = null, reason = null, erased_by = '${erasure?.id}' where id = ${pat}`,
      'erasure_changed',
    ],
    [
      'an entry that is emptied in the name of no erasure',
      `${emptied}; update operation set user_id = null, reason = null, erased_by = gen_random_uuid() where id = ${pat}`,
      'erasure_changed',
    ],
    [
      'a selection that is added',
      `update operation set selection = '{}' where id = ${pat}`,
      'operation_changed',
    ],
    [
      'a link that claims to have no salts',
      `update audit_link set subject_salt = null, selection_salt = null, actor_salt = null, origin_salt = null where operation_id = ${pat}`,
      'operation_changed',
    ],
    [
      'the same, and erased',
      `update audit_link set subject_salt = null, actor_salt = null, origin_salt = null where operation_id = ${pat};
        update operation set reason = 'other', erased_by = '${erasure?.id}' where id = ${pat}`,
      'erasure_changed',
    ],
    [
      'an address that is deleted before its time',
      `update audit_link l set origin_salt = null, origin_hash = decode(p.parts[4], 'hex') from (select l.seq, operation_parts(o, l) as parts
        from operation o join audit_link l on l.operation_id = o.id where o.id = ${pat}) p where p.seq = l.seq;
        update operation set ip_address = null, user_agent = null, request_id = null where id = ${pat}`,
      'operation_emptied',
    ],
  ]
  for (const [what, attack, expected] of attacks) {
    await psql(`create table kept_link as table audit_link; create table kept_operation as table operation`)
    await psql(attack)
    t.equal(await findings(head), expected, what)
    await psql(`begin; alter table operation disable trigger user; delete from audit_link; insert into audit_link table kept_link;
      delete from operation; insert into operation table kept_operation; alter table operation enable trigger user; commit;
      drop table kept_link; drop table kept_operation`)
  }
  t.equal(await findings(head), '', 'restored, it verifies')
})

t.test('two erasures at once, during sealing, erase once', async (t) => {
  const { id } = await person('kimberly')
  const head = await readChainHead(database)
  const sealing = Array.from({ length: 20 }, async (_, i) => {
    await psql(`insert into operation (id, kind, actor_kind, user_id, actor_id, revoked_count)
      values (gen_random_uuid(), 'logout', 'user', 'kimberly', 'kimberly', ${i})`)
    await seal(database)
  })
  const answers = await Promise.all([erase(id), erase(id)])
  await Promise.all(sealing)
  t.same(
    answers.map(({ status }) => status),
    [200, 200],
  )
  const done = (await Promise.all(answers.map((one) => one.json()))) as { operationId: string | null }[]
  t.ok(done.some(({ operationId }) => operationId))
  // What was written after both is erased by the next one.
  await erase(id)
  t.same(await rowsWith('kimberly'), [])
  t.equal(await findings(head), '')
})

t.test('an erasure during an incident leaves its counts exact', async (t) => {
  await person('josephine')
  for (let i = 0; i < 3; i++) await signIn('ida', 'x', '203.0.113.9')
  const locked = await signIn('ida', 'x', '203.0.113.9')
  const { planId, sessions } = await incidents.plan({ userIds: ['ida', 'josephine'] }, 'leak', STAFF)
  const held = await hold(database, `select from session where id = '${locked.id}' for update`)
  await incidents.execute(planId, STAFF)
  const running = runIncident(database, service.barrier, planId)
  await waitFor('the others to end', async () => (await incidents.get(planId)).ended >= sessions - 1)
  t.equal((await erase('josephine')).status, 200)
  await held.end()
  t.equal(await running, true)
  t.match(await incidents.get(planId), { state: 'done', ended: sessions, selection: { userIds: ['ida'] } })
  t.same(await rowsWith('josephine'), [])
  t.equal(await findings(), '')
})

t.test('a plan by addresses forgets one who is erased, and matches no more sessions for it', async (t) => {
  await person('cecilia')
  // Without a session, so that the list alone names this one.
  await addUser('vega', { email: 'vega@example.com' })
  const emails = ['CECILIA@example.com', 'VEGA@example.com']
  const { planId } = await incidents.plan({ emails }, 'breach', STAFF)
  for (const id of ['vega', 'cecilia']) {
    t.equal((await rowsWith(id.toUpperCase())).length, 1, 'the list of the plan')
    t.equal((await erase(id)).status, 200)
    for (const name of [id, id.toUpperCase()]) t.same(await rowsWith(name), [])
  }
  await incidents.execute(planId, STAFF)
  await runIncident(database, service.barrier, planId)
  t.match(await incidents.get(planId), { state: 'done', ended: 0 })
  t.equal(await service.check(desk.token), 200)
  t.equal(await findings(), '')
})

t.test('an entry sealed before salts verifies as before, and can be erased', async (t) => {
  await person('oldfield')
  // As the version before has sealed it.
  await psql(`begin; update audit_link l set subject_salt = null, selection_salt = null, actor_salt = null, origin_salt = null,
      digest = operation_digest(o) from operation o where o.id = l.operation_id and 'oldfield' in (o.user_id, o.actor_id);
    do $$ declare l audit_link; base bytea := sha256('global-logout audit'); begin
      for l in select * from audit_link order by seq loop
        base := sha256(base || l.digest); update audit_link set hash = base where seq = l.seq; end loop;
      update audit_head set hash = base; end $$; commit`)
  const head = await readChainHead(database)
  t.equal(await findings(head), '')
  t.equal((await erase('oldfield')).status, 200)
  t.same(await rowsWith('oldfield'), [])
  t.equal(await findings(head), '')
  await psql(`update operation set reason = 'x' where erased_by is not null and kind = 'user.unlock'
    and id in (select operation_id from audit_link where origin_salt is null and origin_hash is null)`)
  t.equal(await findings(head), 'erasure_changed')
  await psql(`update operation set reason = null where reason = 'x'`)
})

t.test('old addresses are deleted, younger ones stay, and the audit log verifies', async (t) => {
  await person('ray')
  await seal(database)
  await psql(`update job set done_until = now() - interval '40 days' where name = 'addresses'`)
  const old = `(select id from operation where user_id = 'ray' and kind = 'logout')`
  // Dated back, and sealed anew.
  await psql(`begin; update operation set at = now() - interval '30 days' where id = ${old};
    delete from audit_link where seq >= (select seq from audit_link where operation_id = ${old});
    update audit_head set (seq, hash, sealed) = (select l.seq, l.hash, '1:1:'::pg_snapshot from audit_link l order by seq desc limit 1); commit`)
  await seal(database)
  await psql(`update revoked_session set revoked_at = now() - interval '30 days' where operation_id = ${old}`)
  await psql(`update replay set at = now() - interval '30 days' where user_id = 'ray'`)
  const { planId } = await incidents.plan({ userIds: ['ray'] }, 'never executed', STAFF)
  await psql(
    `update incident set planned_at = now() - interval '30 days', expires_at = now() where id = $1`,
    [planId],
  )
  const head = await readChainHead(database)
  t.equal(await deleteOldAddresses(database, 31 * DAY), 0)
  t.equal(
    await deleteOldAddresses(database, 20 * DAY),
    4,
    'an operation, a revocation, a replay, and what a plan shows',
  )
  const [plan] = await psql(`select sample, breakdown from incident where id = $1`, [planId])
  t.same(plan, { sample: [], breakdown: null })
  t.equal(await deleteOldAddresses(database, 20 * DAY), 0)
  const [row] = await psql(
    `select ip_address, user_agent, request_id, user_id from operation where id = ${old}`,
  )
  t.same(row, { ip_address: null, user_agent: null, request_id: null, user_id: 'ray' })
  t.equal((await psql(`select from revoked_session where user_id = 'ray' and ip_address is null`)).length, 1)
  t.equal(
    (await psql(`select from revoked_session where user_id = 'ray' and ip_address is not null`)).length,
    2,
  )
  t.match((await service.audit.list({ kind: 'addresses.delete' })).entries, { length: 1 })
  t.equal(await findings(head), '')
  await t.rejects(
    database.run((db) => db.execute('select global_logout.delete_addresses(3600, 1)')),
    'a day at least',
  )
  t.equal((await erase('ray')).status, 200, 'one who has no address any more can be erased')
  t.equal(await findings(head), '')
})
