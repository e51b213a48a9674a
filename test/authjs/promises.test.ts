/**
 * The adapter's promises beyond Auth.js's contract: no setting of the application weakens a sign-out, and no
 * session is revived.
 */
import type { Adapter } from '@auth/core/adapters'
import { GlobalLogoutAdapter } from '@global-logout/authjs/drizzle'
import pg from 'pg'
import t from 'tap'
import { hashToken } from '../../src/database/token-hash.ts'
import { testDatabase } from '../support/database.ts'
import { servicesOn } from '../support/service.ts'
import { PATIENCE_MS } from '../support/within.ts'
import { applicationDatabase, openTransaction } from './application.ts'
import { inDays } from './contract-suite.ts'
import { STOCK_TABLES_SQL } from './tables.ts'

const database = await testDatabase()
const { psql } = database
await psql(STOCK_TABLES_SQL)
/** For a loaded machine. */
const PATIENT = { timeoutMs: PATIENCE_MS }
const adapter = GlobalLogoutAdapter(applicationDatabase(database), undefined, PATIENT) as Required<Adapter>
const { sessions: service } = servicesOn(database.url)
const SOURCE = { userAgent: null, ipAddress: null }

async function signIn(on = adapter) {
  const email = `${crypto.randomUUID()}@example.com`
  const user = await on.createUser({ id: '', email, emailVerified: null })
  const asked = { sessionToken: '', userId: user.id, expires: inDays(7) }
  const { sessionToken: token } = await on.createSession(asked)
  return { token, user, userId: user.id }
}

t.test('a sign-out waits for an activity update of its session, under every isolation level', async (t) => {
  for (const isolation of ['read committed', 'repeatable read', 'serializable']) {
    const options = `-c default_transaction_isolation=${isolation.replace(' ', '\\ ')}`
    const strict = GlobalLogoutAdapter(
      applicationDatabase(database, options),
      undefined,
      PATIENT,
    ) as Required<Adapter>
    const { token, user } = await signIn(strict)
    t.strictSame((await strict.getSessionAndUser(token))?.user, user)
    const touch = await openTransaction(database)
    await touch.query('update session set "lastSeenAt" = now() where "userId" = $1', [user.id])
    const signOut = strict.deleteSession(token)
    await touch.blocksAStatement()
    await touch.commit()
    await t.resolves(Promise.resolve(signOut), isolation)
    t.equal(await adapter.getSessionAndUser(token), null)
    t.equal((await psql('select from revoked_session where user_id = $1', [user.id])).length, 1)
  }
})

t.test('a sign-out waits for the disk, even if the application does not', async (t) => {
  const options = '-c synchronous_commit=off'
  const hasty = GlobalLogoutAdapter(
    applicationDatabase(database, options),
    undefined,
    PATIENT,
  ) as Required<Adapter>
  const { token } = await signIn()
  // A trigger records the setting at the time of the deletion.
  await psql(`create table public.seen (value text);
    create function public.see() returns trigger language plpgsql as
      $$ begin insert into public.seen values (current_setting('synchronous_commit')); return null; end $$;
    create trigger see after delete on session for each statement execute function public.see()`)
  await hasty.deleteSession(token)
  t.strictSame(await psql('select value from public.seen'), [{ value: 'on' }])
  await psql('drop table public.seen; drop function public.see() cascade')
})

t.test('a request that only uses its session does not wait for a logout in progress', async (t) => {
  const { token, userId } = await signIn()
  await psql(`update session set "lastSeenAt" = now() - interval '1 hour' where "userId" = $1`, [userId])
  const holder = await openTransaction(database)
  await holder.query('select from session where "userId" = $1 for update', [userId])
  t.equal((await adapter.getSessionAndUser(token))?.user.id, userId)
  await holder.commit()
})

t.test('Auth.js never revives a session that is ended while it works on it', async (t) => {
  const ROUNDS = 25
  const observer = new pg.Client({ connectionString: database.url })
  await observer.connect()
  t.teardown(() => observer.end())
  const ends: Record<string, (session: { token: string; userId: string }) => Promise<unknown>> = {
    'a global logout': ({ token }) => service.logout(token, 'global', SOURCE),
    'a sign-out of Auth.js': async ({ token }) => adapter.deleteSession(token),
    'the end of the account': async ({ userId }) => adapter.deleteUser(userId),
  }
  for (const [name, end] of Object.entries(ends)) {
    const survivors: string[] = []
    for (let round = 0; round < ROUNDS; round++) {
      const { token, userId } = await signIn()
      await observer.query(
        `update global_logout.session set "lastSeenAt" = now() - interval '1 hour' where "userId" = $1`,
        [userId],
      )
      const use = async () => {
        // The user may be gone before the session is read again.
        await Promise.resolve(adapter.getSessionAndUser(token)).catch(() => {})
        await adapter.updateSession({ sessionToken: token, expires: inDays(8) })
      }
      await Promise.all([use(), use(), end({ token, userId }), use(), use()])
      if ((await adapter.getSessionAndUser(token)) || (await service.peek(token))) survivors.push(token)
    }
    t.strictSame(survivors, [], `${name}, ${ROUNDS} times`)
  }
})

t.test('a sign-in that coincides with the deletion of its user leaves no session', async (t) => {
  const left: string[] = []
  for (let round = 0; round < 25; round++) {
    const { userId } = await signIn()
    const asked = { sessionToken: '', userId, expires: inDays(7) }
    const signIns = [1, 2, 3].map(async () => adapter.createSession(asked))
    await Promise.allSettled([...signIns, adapter.deleteUser(userId)])
    if ((await psql('select from session where "userId" = $1', [userId])).length > 0) left.push(userId)
  }
  t.strictSame(left, [])
})

t.test('a user whose image is a data URL can sign in, and is shown to staff without the image', async (t) => {
  const { user } = await signIn()
  const image = `data:image/png;base64,${'A'.repeat(20_000)}`
  await adapter.updateUser({ ...user, name: 'Ada', image })
  const { sessionToken } = await adapter.createSession({
    sessionToken: '',
    userId: user.id,
    expires: inDays(7),
  })
  t.match(await adapter.getSessionAndUser(sessionToken), { user: { image } }, 'the application has it')
  t.same(await psql('select name, image from "user" where id = $1', [user.id]), [
    { name: 'Ada', image: null },
  ])
})

t.test('a sign-in is recorded with its device, and invalid device data do not prevent it', async (t) => {
  const devices = [
    [{ userAgent: 'Firefox', ipAddress: '203.0.113.7' }, 'Firefox', '203.0.113.7'],
    [{ userAgent: 'Firefox', ipAddress: '::ffff:203.0.113.7' }, 'Firefox', '203.0.113.7'],
    [{ userAgent: 'Safari', ipAddress: 'fe80::7%eth0' }, 'Safari', 'fe80::7'],
    [{ userAgent: 'a'.repeat(9000), ipAddress: '203.0.113.7, 10.0.0.1' }, 'a'.repeat(512), null],
    [{ userAgent: null, ipAddress: 'unknown' }, null, null],
    [{}, null, null],
  ] as const
  for (const [device, userAgent, ipAddress] of devices) {
    const options = { device: async () => device }
    const telling = GlobalLogoutAdapter(applicationDatabase(database), undefined, {
      ...options,
      ...PATIENT,
    })
    const { token } = await signIn(telling as Required<Adapter>)
    const rows = await psql('select * from session where "sessionToken" = $1', [hashToken(token)])
    t.match(rows, [{ userAgent, ipAddress }])
  }
})

t.test('a database error is an error, and never "signed out"', async (t) => {
  const { token } = await signIn()
  const away = applicationDatabase({ url: `${database.url}_that_is_not` })
  const gone = GlobalLogoutAdapter(away, undefined, PATIENT) as Required<Adapter>
  await t.rejects(async () => gone.getSessionAndUser(token), { code: 'ERR_SESSION_UNDECIDED' })
  await t.rejects(async () => gone.deleteSession(token), { code: 'unavailable' })
  await t.rejects(async () => gone.deleteUser('ada'), { code: 'unavailable' })
})
