/** Verification finds every change to and removal from the audit log, and names the row. */

import t from 'tap'
import { createAnnouncer } from '../../../src/staff/audit/announce.ts'
import { createAudit } from '../../../src/staff/audit/audit.ts'
import { readChainHead, seal, verify } from '../../../src/staff/audit/chain.ts'
import { auditCsv } from '../../../src/staff/audit/csv.ts'
import type { Finding } from '../../../src/staff/audit/finding.ts'
import { startSealer } from '../../../src/staff/audit/sealer.ts'
import { testDatabase } from '../../support/database.ts'
import { keepLog, strictLog } from '../../support/log.ts'
import { cursorOf, type Part, readable, unreadable } from '../../support/positions.ts'
import { waitFor } from '../../support/within.ts'

type Database = Awaited<ReturnType<typeof testDatabase>>

/** Inserts operations `1` to `n`, an hour ago, a second apart; sealed unless `sealed` is false. */
async function history(n: number, { sealed = true } = {}): Promise<Database> {
  const database = await testDatabase()
  await database.psql(
    `insert into operation (id, kind, actor_kind, actor_id, user_id, reason, revoked_count)
     select lpad(i::text, 32, '0')::uuid, 'user.revoke', 'staff', 'eve', 'u' || i, 'reason ' || i, i
     from generate_series(1, $1::integer) i`,
    [n],
  )
  await database.psql(
    `update operation set at = now() - interval '1 hour' + revoked_count * interval '1 second'`,
  )
  if (sealed) t.equal(await seal(database), n)
  return database
}
const id = (n: number) => `00000000-0000-0000-0000-${String(n).padStart(12, '0')}`
const told = (findings: Finding[]) =>
  findings.map(({ kind, seq, operationId }) => ({ kind, seq, operationId }))

t.test('an unchanged history verifies, also after a waiting time was recorded', async (t) => {
  const database = await history(12, { sealed: false })
  const first = await verify(database)
  t.match(first, { operations: 12, links: 12, findings: [], head: /^12:[0-9a-f]{64}$/ }, 'verify seals first')
  t.equal(first.head, await readChainHead(database))
  await database.psql('update operation set waited_ms = 3')
  await database.psql(
    `insert into operation (id, kind, actor_kind, revoked_count) values (gen_random_uuid(), 'logout', 'user', 1)`,
  )
  t.match(await verify(database, { expect: first.head }), { links: 13, findings: [], head: /^13:/ })
  const [genesis] = await database.psql<{ hash: string }>(
    `select encode(sha256('global-logout audit'), 'hex') as hash`,
  )
  t.same((await verify(database, { expect: `0:${genesis?.hash}` })).findings, [])
})

t.test('a change of any column of an operation is found', async (t) => {
  const changes = [
    `reason = 'harmless'`,
    `reason = null`,
    `actor_id = 'bob'`,
    `actor_kind = 'user'`,
    `actor_session_id = gen_random_uuid()`,
    `user_id = 'u8'`,
    `kind = 'logout'`,
    `scope = 'local'`,
    `ip_address = '192.0.2.1'`,
    `user_agent = 'x'`,
    `request_id = 'x'`,
    `revoked_count = 0`,
    `at = at + interval '1 microsecond'`,
    `selection = '{}'`,
    `result = '{}'`,
  ]
  const database = await history(9)
  for (const change of changes) {
    await database.psql(`update operation set ${change} where id = '${id(7)}'`)
    const { findings } = await verify(database)
    t.same(told(findings), [{ kind: 'operation_changed', seq: 7, operationId: id(7) }], change)
    t.match(findings[0]?.detail, `operation ${id(7)} (link 7) was changed`)
    await database.psql(`update operation set reason = 'reason 7', actor_id = 'eve', actor_kind = 'staff', actor_session_id = null,
      user_id = 'u7', kind = 'user.revoke', scope = null, ip_address = null, user_agent = null, request_id = null, revoked_count = 7,
      at = (select at + interval '1 second' from operation where id = '${id(6)}'), selection = null, result = null where id = '${id(7)}'`)
    t.same((await verify(database)).findings, [], 'restored, the history verifies')
  }
})

t.test('a deleted operation is reported as missing, a backdated one as unsealed', async (t) => {
  const database = await history(5)
  await database.psql(`delete from operation where id = $1`, [id(2)])
  // As if it had been committed before the last seal, which would have included it.
  for (const [n, when] of [
    [99, '- 1 hour'],
    [100, '1 hour'],
  ] as const)
    await database.psql(`begin;
      insert into operation (id, kind, actor_kind, revoked_count) values ('${id(n)}', 'logout', 'user', 1);
      update operation set at = now() + interval '${when}', xid = '3' where id = '${id(n)}'; commit`)
  t.same(told((await verify(database)).findings), [
    { kind: 'operation_missing', seq: 2, operationId: id(2) },
    { kind: 'operation_unsealed', seq: undefined, operationId: id(99) },
    { kind: 'operation_unsealed', seq: undefined, operationId: id(100) },
  ])
})

t.test('links that were removed, changed or swapped are reported, and no others', async (t) => {
  const tampered = async (sql: string) => {
    const database = await history(9)
    await database.psql(sql)
    return told((await verify(database)).findings)
  }
  const uncovered = (n: number) => ({ kind: 'operation_unsealed', seq: undefined, operationId: id(n) })
  const changed = (n: number, operation = n) => ({ kind: 'link_changed', seq: n, operationId: id(operation) })
  t.same(await tampered('delete from audit_link where seq in (4, 5)'), [
    { kind: 'link_missing', seq: 4, operationId: undefined },
    uncovered(4),
    uncovered(5),
  ])
  t.same(await tampered('delete from audit_link where seq = 1'), [
    { kind: 'link_missing', seq: 1, operationId: undefined },
    uncovered(1),
  ])
  t.same(await tampered(`update audit_link set hash = sha256('x') where seq = 4`), [changed(4)])
  t.same(await tampered(`update audit_link set digest = sha256('x') where seq = 4`), [changed(4)])
  t.same(await tampered(`update audit_link set hash = sha256(hash) where seq in (3, 4, 5)`), [
    changed(3),
    changed(4),
    changed(5),
  ])
  t.same(await tampered(`update audit_link set seq = seq * 100 where seq = 9`), [
    { kind: 'link_missing', seq: 9, operationId: undefined },
    { kind: 'head_changed', seq: 9, operationId: undefined },
  ])
  t.same(
    await tampered(`begin; alter table audit_link drop constraint audit_link_operation_id_unique;
      update audit_link l set operation_id = o.operation_id, digest = o.digest from audit_link o
      where l.seq in (3, 4) and o.seq = 7 - l.seq; commit`),
    [changed(3, 4), changed(4, 3)],
    'two operations with swapped links',
  )
  t.same(
    await tampered(`begin; update operation set reason = 'harmless' where id = '${id(3)}';
      update audit_link set digest = operation_digest(o) from operation o where o.id = operation_id and seq = 3; commit`),
    [changed(3)],
    'an operation changed together with its digest',
  )
})

t.test('a wrong head is found; a truncated chain with a matching head needs a stored head', async (t) => {
  const database = await history(6)
  const head = await readChainHead(database)
  const hashAt = `(select hash from audit_link where seq = 4)`
  await database.psql(`begin; delete from operation where id in (select operation_id from audit_link where seq > 4);
    delete from audit_link where seq > 4; commit`)
  t.same(told((await verify(database)).findings), [{ kind: 'link_missing', seq: 5, operationId: undefined }])
  await database.psql(`update audit_head set seq = 4`)
  t.match(told((await verify(database)).findings), [{ kind: 'head_changed', seq: 4 }])
  await database.psql(`update audit_head set hash = ${hashAt}`)
  t.same((await verify(database)).findings, [], 'without a stored head, a shorter history verifies')
  const { findings } = await verify(database, { expect: head })
  t.match(findings, [{ kind: 'head_not_as_noted', seq: 6, detail: /ends at link 4.* removed/ }])
})

t.test('a head that was set back hides no later change, even if sealing fails', async (t) => {
  const database = await history(12)
  await database.psql(`update operation set reason = 'harmless' where id = '${id(10)}'`)
  await database.psql(`update audit_head set seq = 9, hash = (select hash from audit_link where seq = 9)`)
  const found = [
    { kind: 'operation_changed', seq: 10, operationId: id(10) },
    { kind: 'head_changed', seq: 9, operationId: undefined },
  ]
  t.same(told((await verify(database)).findings), found)
  await database.psql(
    `insert into operation (id, kind, actor_kind, revoked_count) values ($1, 'logout', 'user', 1)`,
    [id(13)],
  )
  await t.rejects(seal(database), { cause: { code: '23505' } })
  t.same(told((await verify(database)).findings), found)
  await database.psql(`update operation set at = at - interval '1 hour' where id = '${id(13)}'`)
  t.same(told((await verify(database)).findings), [
    ...found,
    { kind: 'operation_unsealed', seq: undefined, operationId: id(13) },
  ])
})

t.test('a chain rebuilt around a changed operation is found against a stored head', async (t) => {
  const database = await history(6)
  const head = await readChainHead(database)
  await database.psql(`begin; update operation set reason = 'harmless' where id = '${id(2)}'; truncate audit_link;
    update audit_head set seq = 0, hash = sha256('global-logout audit'), sealed = '1:1:'; commit`)
  await seal(database)
  t.same((await verify(database)).findings, [])
  t.match((await verify(database, { expect: head })).findings, [
    { kind: 'head_not_as_noted', seq: 6, detail: /rebuilt/ },
  ])
  for (const wrong of ['', '6', '6:', `6:${'g'.repeat(64)}`, `-1:${'0'.repeat(64)}`, `${head}0`])
    await t.rejects(verify(database, { expect: wrong }), /NUMBER:HASH/, JSON.stringify(wrong))
})

t.test('many sealers at once and late commits make one chain with one link for each operation', async (t) => {
  const database = await testDatabase()
  const sealers = [1, 2, 3].map(() => startSealer(database, strictLog(t), { sealMs: 1 }))
  const insert = `insert into global_logout.operation (id, kind, actor_kind, revoked_count) values (gen_random_uuid(), 'logout', 'user', 1)`
  await Promise.all(
    Array.from({ length: 60 }, (_, i) =>
      database.transaction(async (tx) => {
        await tx.execute(insert)
        await new Promise((turn) => setTimeout(turn, (i * 7) % 40))
      }),
    ),
  )
  await Promise.all(sealers.map((sealer) => sealer.close()))
  await seal(database)
  t.match(await verify(database), { operations: 60, links: 60, findings: [] })
  t.equal(await seal(database), 0)
  const idle = () => database.psql('select xmin::text, xmax::text, seq from audit_head')
  const before = await idle()
  await seal(database)
  t.same(await idle(), before, 'with nothing new, nothing is written')
})

t.test('sealing reads only operations that are new', async (t) => {
  const database = await history(10, { sealed: false })
  const added: number[] = []
  const looksFrom = async () =>
    (await database.psql<{ sealed: string }>('select sealed::text from audit_head'))[0]?.sealed
  for (const most of [4, 6]) {
    const [row] = await database.psql<{ added: number }>(`select seal_operations(${most}) as added`)
    added.push(row?.added ?? 0)
    if (most === 4) t.equal(await looksFrom(), '1:1:', 'six are not sealed yet')
  }
  t.same(added, [4, 6])
  t.not(await looksFrom(), '1:1:', 'the last batch was full, and there was no more')
  t.match(await verify(database), { links: 10, findings: [] })
})

t.test('the chain head is logged when sealing starts, and repeatedly after that', async (t) => {
  const database = await history(3, { sealed: false })
  const { log, lines } = keepLog()
  const sealer = startSealer(database, log, { sealMs: 5, logHeadMs: 20 })
  await waitFor('two heads', () => lines.length >= 2)
  await sealer.close()
  t.same(
    new Set(lines.map(({ level, message }) => `${level} ${message}`)),
    new Set(['info audit chain head']),
  )
  const heads = lines.map(({ fields }) => fields.head)
  t.match(heads[0], /^3:[0-9a-f]{64}$/)
  t.equal(heads[1], heads[0])
})

t.test('each operation is told once by the process that seals it, without who, where or why', async (t) => {
  const database = await testDatabase()
  const made = [
    ['logout', 'global', 3, null],
    ['user.revoke', null, 2, { lockedUntil: 'forever' }],
    ['user.revoke', null, 1, null],
    ['user.lock', null, 0, { lockedUntil: 'forever' }],
    ['key.create', null, 0, { keyId: id(9), name: 'canary-name' }],
  ] as const
  for (const [n, [kind, scope, ended, result]] of made.entries())
    await database.psql(
      `insert into operation (id, kind, scope, actor_kind, actor_id, user_id, reason, ip_address, user_agent, request_id, revoked_count, result)
       values ($1, $2, $3, 'staff', 'canary-actor', 'canary-user', 'canary-reason', '203.0.113.7', 'canary-agent', $4, $5, $6)`,
      [id(n + 1), kind, scope, `request ${n}`, ended, result],
    )
  const { log, lines } = keepLog()
  const [one, other] = [createAnnouncer(database, log), createAnnouncer(database, log)]
  const announcers = [one, other]
  await Promise.all(announcers.map(({ announce }) => seal(database, announce)))
  t.same(
    lines.map(({ level, fields, message }) => ({ level, message, ...fields })),
    made.map(([kind, scope, sessions, result], n) => {
      const { name: _, ...facts } = { name: '', ...result }
      return {
        ...{
          level: 'info',
          message: 'operation recorded',
          operationId: id(n + 1),
          kind,
          ...(scope && { scope }),
        },
        ...{ actorKind: 'staff', sessions, ...facts, reqId: `request ${n}` },
      }
    }),
  )
  t.notMatch(JSON.stringify(lines), /canary|203\.0/)
  const counted = announcers.flatMap(({ counts }) => counts.byKind.filter(({ operations }) => operations > 0))
  t.same(
    counted.map(({ labels, operations, sessions }) => [...Object.values(labels), operations, sessions]),
    [
      ['logout', 'global', 1, 3],
      ['user.revoke', 2, 3],
      ['user.lock', 1, 0],
      ['key.create', 1, 0],
    ],
  )
  t.equal(one.counts.locks + other.counts.locks, 2)

  await database.psql('alter table operation rename to gone')
  await one.announce({ after: 0, upTo: 5 })
  t.match(lines.at(-1), { level: 'warn', message: 'recorded operations not logged; see the audit log' })
})

t.test('the audit is paged from the newest on, each entry exactly once', async (t) => {
  const database = await history(250)
  const audit = createAudit(database)
  // Sixty in the same instant: a page that ends among them must not lose the rest.
  await database.psql(
    `update operation set at = '2026-01-01T00:00:00.123456Z' where revoked_count between 80 and 139`,
  )
  const seen: (string | null)[] = []
  let cursor: string | null = null
  let pages = 0
  do {
    const page = await audit.list({}, cursor)
    seen.push(...page.entries.map((entry) => entry.id))
    const times = page.entries.map(({ at }) => at.getTime())
    t.same(
      times,
      times.toSorted((a, b) => b - a),
    )
    if (++pages === 1)
      await database.psql(
        `insert into operation (id, kind, actor_kind, revoked_count) values (gen_random_uuid(), 'logout', 'user', 1)`,
      )
    cursor = page.next
  } while (cursor)
  t.equal(pages, 3)
  t.equal(new Set(seen).size, 250)
  const positions = (of: (...parts: Part[]) => Iterable<unknown[]>) => [
    ...[...of('instant', 'id')].map((operation) => cursorOf({ operation, external: null })),
    ...[...of('instant', 'number', 'text')].map((external) => cursorOf({ operation: null, external })),
  ]
  for (const wrong of ['', 'x', btoa('{}'), ...positions(unreadable)])
    await t.rejects(audit.list({}, wrong), { code: 'invalid_request', field: 'cursor' }, wrong)
  for (const right of positions(readable)) await t.resolves(audit.list({}, right), right)
})

t.test('sessions deleted outside the service are recorded by statement, without an actor', async (t) => {
  const database = await testDatabase()
  const audit = createAudit(database)
  await database.psql(`insert into "user" (id) values ('ada'), ('bob'), ('=cmd()')`)
  await database.psql(
    `insert into session ("sessionToken", "userId", expires) select gen_random_uuid()::text, u.id, now() + interval '1 day' from "user" u, generate_series(1, 3)`,
  )
  await database.psql(`delete from session where ctid in (select min(ctid) from session group by "userId")`)
  await database.psql(`delete from "user" where id = 'bob'`)
  const told = (await audit.list({})).entries.map(({ kind, userId, revokedCount, actorId, id }) => ({
    ...{ kind, userId, revokedCount, actorId, id },
  }))
  const external = (userId: string, revokedCount: number) => ({
    ...{ kind: 'external', userId, revokedCount, actorId: null, id: null },
  })
  t.same(told, [external('bob', 2), external('bob', 1), external('ada', 1), external('=cmd()', 1)])
  const { entries } = await audit.list({ userId: 'bob', kind: 'external' })
  t.equal(entries.length, 2)
  t.same((await audit.list({ actorId: 'bob' })).entries, [])
  t.same((await audit.list({ kind: 'logout' })).entries, [])
  const lines = []
  for await (const line of auditCsv(audit.all({ kind: 'external' }))) lines.push(line)
  t.equal(lines.length, 5, 'a header, and each record')
  t.match(lines.at(-1), `"'=cmd()"`, 'the user id is a formula')
})

t.test('deleting sessions in the name of an operation is detected or refused', async (t) => {
  const database = await testDatabase()
  await database.psql(`insert into "user" (id) values ('ada')`)
  await database.psql(
    `insert into session ("sessionToken", "userId", expires) select n::text, 'ada', 'infinity' from generate_series(1, 6) n`,
  )
  const endAs = (operation: string, tokens: string) =>
    database.psql(`begin; select set_config('global_logout.operation_id', '${operation}', true);
      delete from session where "sessionToken" in (${tokens}); commit`)
  const record = (n: number, kind: string, count: number, result = '{}') =>
    database.psql(
      `insert into operation (id, kind, actor_kind, revoked_count, result) values ($1, $2, 'staff', $3, $4)`,
      [id(n), kind, count, result],
    )
  await t.rejects(endAs(crypto.randomUUID(), `'1'`), { code: '23503' }, 'an operation that was not recorded')
  t.same(await database.psql('select from revoked_session'), [], 'nothing has ended')

  await record(1, 'user.revoke', 2)
  await endAs(id(1), `'1', '2'`)
  await record(2, 'incident.execute', 0)
  await endAs(id(2), `'3'`)
  await record(3, 'incident.finish', 1, JSON.stringify({ operationId: id(2) }))
  t.same((await verify(database)).findings, [])
  for (const [n, token] of [
    [1, `'4'`],
    [2, `'5'`],
  ] as const)
    await endAs(id(n), token)
  const { findings } = await verify(database)
  const mismatch = (n: number) => ({ kind: 'revocation_count_mismatch', seq: undefined, operationId: id(n) })
  t.same(told(findings), [mismatch(1), mismatch(2)])
  t.match(findings[0]?.detail, `operation ${id(1)} states 2 ended sessions, but 3 are recorded under it`)
  await database.psql('delete from revoked_session')
  t.same((await verify(database)).findings, [], 'retention may make them fewer')
})

t.test('filters combine, and an incident is found by a user whose sessions it ended', async (t) => {
  const database = await history(20)
  const audit = createAudit(database)
  const found = async (filter: Parameters<typeof audit.list>[0]) =>
    (await audit.list(filter)).entries.map(({ revokedCount }) => revokedCount)
  t.same(await found({ userId: 'u7' }), [7])
  t.same(await found({ userId: 'u7', actorId: 'bob' }), [])
  t.same((await found({ actorId: 'eve', kind: 'user.revoke' })).length, 20)
  const [tenth] = (await audit.list({ userId: 'u10' })).entries
  const [fifth] = (await audit.list({ userId: 'u5' })).entries
  t.same(await found({ since: fifth?.at, until: tenth?.at }), [9, 8, 7, 6, 5], 'from one instant to another')
  await database.psql(
    `insert into operation (id, kind, actor_kind, revoked_count) values ($1, 'incident.execute', 'staff', 999)`,
    [id(999)],
  )
  await database.psql(
    `insert into revoked_session (session_id, session_token, user_id, operation_id, created_at, last_seen_at)
     values (gen_random_uuid(), 'x', 'u7', $1, now(), now())`,
    [id(999)],
  )
  t.same(await found({ userId: 'u7' }), [999, 7])
})
