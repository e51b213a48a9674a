/** Acknowledged operations are kept: in memory up to a limit, and in a folder that survives the process. */
import { appendFile, mkdtemp, readdir, readFile, rm, stat, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import type { Log } from '../../src/lib/log.ts'
import { type Act, createAcknowledged } from '../../src/operations/acknowledged.ts'
import { openJournal } from '../../src/operations/journal.ts'
import { begin } from '../support/incidents.ts'
import { startService } from '../support/service.ts'

const logged: string[] = []
const write = (_fields: unknown, message?: string) => void logged.push(message ?? '')
const log = { info: write, warn: write, error: write } as Log
t.beforeEach(() => void logged.splice(0))

const actOf = (id: string): Act => ({
  id,
  what: { kind: 'logout', scope: 'local', actorKind: 'user', userId: 'ada' },
  sessionIds: [`session of ${id}`],
})
const idsOf = async (from: Pick<ReturnType<typeof createAcknowledged>, 'read'>) =>
  (await from.read()).acts.map(({ id }) => id)

async function folder(): Promise<string> {
  const made = await mkdtemp(join(tmpdir(), 'global-logout-journal-'))
  t.teardown(() => rm(made, { recursive: true, force: true }))
  return made
}
async function journalIn(path: string) {
  const journal = await openJournal(path, log)
  t.teardown(journal.close)
  return journal
}

t.test('an operation is kept for ten minutes', async (t) => {
  let now = 0
  const acknowledged = createAcknowledged(null, log, { clock: () => now })
  await acknowledged.keep([actOf('a')])
  now = 9 * 60_000
  await acknowledged.keep([actOf('b')])
  t.same(await idsOf(acknowledged), ['a', 'b'])
  now = 11 * 60_000
  t.same(await idsOf(acknowledged), ['b'])
})

t.test('of thousands, one after the other, those of the last ten minutes are kept, in order', async (t) => {
  let now = 0
  const acknowledged = createAcknowledged(null, log, { clock: () => now })
  for (let n = 0; n < 3_000; n++) {
    now = n * 1_000
    await acknowledged.keep([actOf(String(n))])
  }
  t.same(
    await idsOf(acknowledged),
    Array.from({ length: 600 }, (_, n) => String(2_400 + n)),
  )
  t.match(acknowledged.counts, { kept: 600, dropped: 0 })
})

t.test('at the limit, the oldest operations are dropped, and that is logged', async (t) => {
  const acknowledged = createAcknowledged(null, log, { maxBytes: 500 })
  for (const id of ['a', 'b', 'c', 'd', 'e']) await acknowledged.keep([actOf(id)])
  t.same(await idsOf(acknowledged), ['c', 'd', 'e'])
  t.match(acknowledged.counts, { kept: 3, dropped: 2 })
  t.match(logged, [/too many operations to keep/], 'once a minute')
  await acknowledged.keep([{ ...actOf('f'), sessionIds: ['x'.repeat(1_000)] }])
  t.same(await idsOf(acknowledged), [], 'one that is too large is not kept')
})

t.test('a folder survives its process, and an incomplete last line', async (t) => {
  const path = await folder()
  const before = createAcknowledged(await journalIn(path), log)
  await before.keep([actOf('a'), actOf('b')])
  before.noteHead('7:abc')
  await before.keep([actOf('c')])
  const [name = ''] = await readdir(path)
  t.equal((await stat(join(path, name))).mode & 0o777, 0o600)
  await appendFile(join(path, name), '{"at":"2026-01-01","id":"torn"')

  const after = createAcknowledged(await journalIn(path), log)
  t.same(await idsOf(after), ['a', 'b', 'c'])
  t.match((await after.read()).acts[0], actOf('a'))
  t.same((await after.read()).heads, ['7:abc'])
  t.same(logged, [])
  await after.keep([actOf('d')])
  t.same(await idsOf(after), ['a', 'b', 'c', 'd'])
})

t.test('an invalid line is logged, and the others are read', async (t) => {
  const path = await folder()
  const before = createAcknowledged(await journalIn(path), log)
  await before.keep([actOf('a')])
  const [name = ''] = await readdir(path)
  await writeFile(join(path, name), `[1\n"x"\n${await readFile(join(path, name), 'utf8')}`)
  t.same(await idsOf(createAcknowledged(await journalIn(path), log)), ['a'])
  t.equal(logged.length, 2)
})

t.test('old files are deleted, but not before the database has their operations', async (t) => {
  const path = await folder()
  const before = await openJournal(path, log)
  await createAcknowledged(before, log).keep([actOf('a')])
  await before.close()
  for (const name of await readdir(path)) await utimes(join(path, name), 0, 0)
  const journal = await journalIn(path)
  const after = createAcknowledged(journal, log)
  const { acts, done } = await after.read()
  t.equal(acts.length, 1)
  await journal.prune()
  t.equal((await readdir(path)).length, 2)
  done()
  await journal.prune()
  t.equal((await readdir(path)).length, 1, 'its own file, which is new')
})

t.test('a folder that cannot be written stops the start', async (t) => {
  const path = join(await folder(), 'file')
  await writeFile(path, '')
  await t.rejects(openJournal(path, log))
})

t.test('every operation that ends sessions is kept once it is done', async (t) => {
  const service = await startService({ except: ['incidents'] })
  const { sessions, accounts, acknowledged } = service
  const source = { userAgent: null, ipAddress: null }
  const by = { actorKind: 'staff' as const, actorId: 'eve' }
  const signIn = (userId: string) => service.signIn(userId)
  const [a, b, c, d, e, f] = [
    await signIn('ada'),
    await signIn('ada'),
    await signIn('ada'),
    await signIn('ada'),
    await signIn('bob'),
    await signIn('cleo'),
  ]
  await sessions.logout(a.token, 'local', source)
  await sessions.endOne(b.token, c.id, source)
  const replaced = await sessions.create({ userId: 'ada', replaces: d.token, ...source })
  await sessions.logout(b.token, 'others', source)
  await sessions.logout(b.token, 'global', source, [e.token])
  await accounts.revoke('cleo', { reason: 'stolen', lockSeconds: 60 }, by)
  await accounts.unlock('cleo', 'found', by)
  const key = await service.keyFor('users:delete')
  await sessions.removeUser({ userId: 'bob', key: { id: key.id, scopes: [] }, requestId: 'r' })
  const planned = await begin(service, { userAgent: 'none such' })
  await t.rejects(sessions.logout(a.token, 'global', source))

  const { acts } = await acknowledged.read()
  const user = { actorKind: 'user', actorId: 'ada', userId: 'ada' }
  t.match(acts, [
    { what: { kind: 'logout', scope: 'local', ...user }, sessionIds: [a.id] },
    { what: { kind: 'session.end', ...user }, sessionIds: [c.id] },
    { what: { kind: 'session.replace', ...user }, sessionIds: [d.id] },
    { what: { kind: 'logout', scope: 'others', ...user }, sessionIds: [replaced.session.id] },
    { what: { kind: 'logout', scope: 'global', ...user }, sessionIds: [b.id] },
    { what: { kind: 'logout', scope: 'local', userId: 'bob' }, sessionIds: [e.id] },
    {
      what: { kind: 'user.revoke', ...by, reason: 'stolen', result: { lockedUntil: String } },
      sessionIds: [f.id],
    },
    { what: { kind: 'user.unlock', userId: 'cleo' } },
    { what: { kind: 'user.delete', actorKind: 'service', actorId: key.id, userId: 'bob' } },
    { what: { kind: 'incident.execute' }, plan: { id: planned, selection: { userAgent: 'none such' } } },
  ])
  const recorded = await service.database.psql<{ id: string }>('select id from operation')
  for (const { id } of acts) t.ok(recorded.some((each) => each.id === id))
  t.notMatch(JSON.stringify(acts), a.token)
})
