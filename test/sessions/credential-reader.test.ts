/** JWT cookies at the service: whole or in parts, beside plain tokens, planted by another site, and how they are removed. */
import { encode } from '@auth/core/jwt'
import t from 'tap'
import { createCredentialReader } from '../../src/sessions/credential-reader.ts'
import { json, startService } from '../support/service.ts'
import { waitFor } from '../support/within.ts'

const SECRET = 'of-the-application'
const NAME = 'authjs.session-token'
const service = await startService({ env: { AUTH_SECRET: `another-secret-here, ${SECRET}` } })
const ada = await service.addUser('ada')

t.test('a JWT in parts is read in their order, whatever the order of the header', async (t) => {
  const { token } = await service.signIn(ada)
  const parts = await partsOf(token)
  t.equal(parts.length, 3)
  for (const cookies of [parts, [...parts].reverse(), ['a=b', ...parts, 'c=d']])
    t.equal(await check(cookies), 200)
  t.equal(await check(parts.slice(0, 2)), 401, 'not without the last')
  t.equal(await check(parts.slice(1)), 401, 'not without the first')
  t.equal(await check([...parts].reverse().map((part, i) => part.replace(/\.\d=/, `.${i}=`))), 401)
})

t.test('an unreadable JWT is 401, with no reason', async (t) => {
  const { token } = await service.signIn(ada)
  const secrets = ['of-another-application', SECRET]
  const answers = await Promise.all(
    secrets.map(async (secret, i) => {
      const text = await jwtOf(token, { secret, ...(i === 1 && { maxAge: -60 }) })
      const response = await service.http('/check', { headers: { cookie: `${NAME}=${text}` } })
      const { requestId: _, ...problem } = (await response.json()) as { requestId: string }
      return problem
    }),
  )
  t.match(answers[0], { status: 401, code: 'invalid_token', detail: 'Sign in again.' })
  t.same(answers[1], answers[0])
})

t.test('of two JWTs neither counts, and the answer removes both', async (t) => {
  const [first, second] = [await service.signIn(ada), await service.signIn(ada)]
  const whole = (token: string) => jwtOf(token).then((text) => `${NAME}=${text}`)
  for (const [what, cookies, removed] of [
    ['two whole ones', [await whole(first.token), await whole(second.token)], NAME],
    ['two of a part', [...(await partsOf(first.token)), (await partsOf(second.token))[0] ?? ''], `${NAME}.0`],
    ['one whole and one in parts', [await whole(first.token), ...(await partsOf(second.token))], NAME],
  ] as const) {
    const response = await service.http('/check', { headers: { cookie: cookies.join('; ') } })
    t.equal(response.status, 401, what)
    const lines = response.headers.getSetCookie()
    t.ok(lines.length > 0)
    for (const line of lines) t.ok(line.startsWith(`${removed}=;`), `${what}: ${line}`)
  }
})

t.test('a logout removes every part that the browser sent', async (t) => {
  const { token } = await service.signIn(ada)
  const init = json({ scope: 'local' })
  const headers = {
    ...init.headers,
    cookie: (await partsOf(token)).join('; '),
    'sec-fetch-site': 'same-origin',
  }
  const response = await service.http('/api/logout', { ...init, headers })
  t.equal(response.status, 200)
  t.equal(await service.check(token), 401)
  const set = response.headers.getSetCookie().map((line) => line.split('=', 2))
  const removed = set.filter(([, value]) => value?.startsWith(';')).map(([name]) => name)
  t.same(removed, [`${NAME}.0`, `${NAME}.1`, `${NAME}.2`])
})

t.test('with checks from memory, a JWT is answered from there, until its session ends', async (t) => {
  const leased = await startService({
    database: service.database,
    env: { AUTH_SECRET: SECRET, CHECK_MODE: 'leased' },
  })
  await leased.answersFromMemory()
  const { token } = await service.signIn(ada)
  const headers = { cookie: `${NAME}=${await jwtOf(token)}` }
  const checkLeased = async () => (await leased.http('/check', { headers })).status
  await waitFor('a check from memory', async () => (await checkLeased()) === 200 && leased.hits() > 0)
  await service.sessions.logout(token, 'local', { userAgent: null, ipAddress: null })
  t.equal(await checkLeased(), 401)
})

t.test('the pages know the user of a JWT', async (t) => {
  const { token } = await service.signIn(ada)
  const page = await service.http('/', { headers: { cookie: `${NAME}=${await jwtOf(token)}` } })
  t.equal(page.status, 200)
  t.match(await page.text(), /Sign out/)
})

t.test('without AUTH_SECRET, a JWT is named in the log, once', async (t) => {
  const log: string[] = []
  const without = await startService({ database: service.database, log })
  const { token } = await service.signIn(ada)
  const warnings = () => log.filter((line) => line.includes('JWT cookie ignored'))
  const checkWithout = async (cookie: string) =>
    (await without.http('/check', { headers: { cookie } })).status
  t.equal(await checkWithout(`other=${await jwtOf(token)}; ${NAME}=${token}`), 200)
  t.same(warnings(), [], 'not the JWT of another cookie')
  for (const cookies of [[`${NAME}=${await jwtOf(token)}`], await partsOf(token)])
    t.equal(await checkWithout(cookies.join('; ')), 401)
  t.equal(warnings().length, 1)
})

t.test('a plain token under the same name is read as before, and at once', async (t) => {
  const { token } = await service.signIn(ada)
  t.equal(await check([`${NAME}=${token}`]), 200)
  const read = createCredentialReader([NAME], [SECRET], service.log)
  t.same(read({ cookie: `${NAME}=plain` }), { kind: 'token', token: 'plain', via: 'cookie' })
  t.same(read({ authorization: 'Bearer plain' }), { kind: 'token', token: 'plain', via: 'bearer' })
  t.same(read({ cookie: `${NAME}=; a=b` }), { kind: 'none' }, 'an empty value is no cookie')
})

t.test('the first name that has a value decides, in whatever form', async (t) => {
  const read = createCredentialReader(['first', 'second'], [SECRET], service.log)
  const jwt = (name: string) => encode({ token: claims('in-the-jwt'), secret: SECRET, salt: name })
  const [first, second] = [await jwt('first'), await jwt('second')]
  t.match(await read({ cookie: `second=${second}; first=plain` }), { token: 'plain' })
  t.match(await read({ cookie: `second=plain; first=${first}` }), { token: 'in-the-jwt' })
  t.match(await read({ cookie: `first=; second=${second}` }), { token: 'in-the-jwt' })
  t.match(await read({ cookie: `second=${first}` }), { kind: 'refused' }, 'not under another name')
})

t.test('without AUTH_SECRET no JWT is read', async (t) => {
  const read = createCredentialReader([NAME], [], service.log)
  t.notMatch(await read({ cookie: `${NAME}=${await jwtOf('a-token')}` }), { token: 'a-token' })
})

function claims(token: string, padding = '') {
  return { sub: 'ada', padding, globalLogout: { sessionId: 'an id', token } }
}

function jwtOf(token: string, changes: { secret?: string; maxAge?: number; padding?: string } = {}) {
  const { padding, ...rest } = changes
  return encode({ token: claims(token, padding), secret: SECRET, salt: NAME, ...rest })
}

/** As Auth.js cuts a JWT of 10 kB. */
async function partsOf(token: string): Promise<string[]> {
  const text = await jwtOf(token, { padding: 'a'.repeat(7_000) })
  return (text.match(/.{1,3936}/g) ?? []).map((part, i) => `${NAME}.${i}=${part}`)
}

async function check(cookies: string[]): Promise<number> {
  const response = await service.http('/check', { headers: { cookie: cookies.join('; ') } })
  await response.arrayBuffer()
  return response.status
}
