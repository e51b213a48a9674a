/**
 * JWT cookies: read whole or in parts, next to plain tokens or planted cookies, and removed in every form.
 */
import { encode } from '@auth/core/jwt'
import t from 'tap'
import { createCredentialReader } from '../../src/sessions/credential-reader.ts'
import { json, startService } from '../support/service.ts'
import { waitFor } from '../support/within.ts'

const SECRET = 'of-the-application'
const NAME = 'authjs.session-token'
const service = await startService({ env: { AUTH_SECRET: `another-secret-here, ${SECRET}` } })
const ada = await service.addUser('ada')

t.test('a JWT in parts is read in the order of its parts, in whatever order the cookies come', async (t) => {
  const { token } = await service.signIn(ada)
  const parts = await partsOf(token)
  t.equal(parts.length, 3)
  for (const cookies of [parts, [...parts].reverse(), ['a=b', ...parts, 'c=d']])
    t.equal(await check(cookies), 200)
  t.equal(await check(parts.slice(0, 2)), 401, 'refused without the last part')
  t.equal(await check(parts.slice(1)), 401, 'refused without the first part')
  t.equal(await check([...parts].reverse().map((part, i) => part.replace(/\.\d=/, `.${i}=`))), 401)
})

t.test('an unreadable JWT gets 401, without a reason', async (t) => {
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

t.test('two JWTs are both refused, and the answer removes every part of both', async (t) => {
  const [first, second] = [await service.signIn(ada), await service.signIn(ada)]
  const parts = [`${NAME}.0`, `${NAME}.1`, `${NAME}.2`]
  for (const [what, cookies, removed] of [
    ['two whole JWTs', [await wholeOf(first.token), await wholeOf(second.token)], [NAME]],
    [
      'a part that comes twice',
      [...(await partsOf(first.token)), (await partsOf(second.token))[0] ?? ''],
      parts,
    ],
    [
      'one whole JWT and one in parts',
      [await wholeOf(first.token), ...(await partsOf(second.token))],
      [NAME, ...parts],
    ],
  ] as const) {
    t.same(await answerTo(cookies), { status: 401, removed }, what)
    const signedOut = await service.http('/signed-out', { headers: { cookie: cookies.join('; ') } })
    t.same(removedBy(signedOut), removed, `${what}, on the page`)
    t.match(await signedOut.text(), 'two different session cookies')
  }
})

t.test('a planted part never locks a user out: one more sign-in is enough', async (t) => {
  const { token } = await service.signIn(ada)
  const whole = [await wholeOf(token)]
  const parts = await partsOf(token)
  for (const [what, planted] of [
    ['a first part', [`${NAME}.0=junk`]],
    ['a further part', [`${NAME}.3=junk`]],
    ['a part after a gap', [`${NAME}.4=junk`]],
    ['a long further part', [`${NAME}.3=${'j'.repeat(4000)}`]],
    ['a whole', [`${NAME}=junk`]],
    ['a whole and a part', [`${NAME}=junk`, `${NAME}.1=junk`]],
    ['every part', Array.from({ length: 10 }, (_, i) => `${NAME}.${i}=junk`)],
  ] as const)
    for (const own of [whole, parts]) {
      // As a browser stores them: the planted cookie has a domain, so a sign-in does not replace it.
      let jar: string[] = [...planted]
      let rounds = 0
      for (; rounds < 3; rounds++) {
        const { status, removed } = await answerTo([...own, ...jar])
        if (status === 200) break
        jar = jar.filter((cookie) => !removed.includes(cookie.split('=', 1)[0] ?? ''))
      }
      t.ok(rounds === 1, `${what}, beside ${own.length} of Auth.js: ${rounds} refusals`)
    }
  t.same(await answerTo([`${NAME}.0=junk`]), { status: 401, removed: [`${NAME}.0`] }, 'a first part alone')
  t.same(await answerTo([`${NAME}.4=junk`]), { status: 401, removed: [] }, 'is not a session cookie')
})

t.test('many cookies are removed in several answers, each short enough for nginx', async (t) => {
  const env = { PUBLIC_URL: 'https://id.app.example.com', AUTH_SECRET: SECRET }
  const deep = await startService({ database: service.database, env })
  const name = '__Secure-authjs.session-token'
  let left = [name, ...Array.from({ length: 10 }, (_, i) => `${name}.${i}`)]
  let answers = 0
  while (left.length > 1) {
    const response = await deep.http('/check', {
      headers: { cookie: left.map((each) => `${each}=x`).join('; ') },
    })
    await response.body?.cancel()
    const lines = response.headers.getSetCookie()
    t.ok(lines.join('').length < 3_500, `${lines.join('').length} bytes`)
    const form = (each: string, domain: string) =>
      lines.some((line) => line.startsWith(`${each}=;`) && line.includes(`Domain=${domain};`))
    const before = left.length
    left = left.filter((each) => !form(each, 'example.com') || !form(each, 'app.example.com'))
    t.ok(left.length < before, 'some are removed')
    if (left.length === before) break
    answers++
  }
  t.ok(answers <= 3, `${answers} answers`)
})

t.test("an application's own cookie is never removed because the service cannot read it", async (t) => {
  const { token } = await service.signIn(ada)
  const another = { secret: 'of-another-application' }
  const expired = { maxAge: -60 }
  for (const changes of [another, expired]) {
    t.same(await answerTo([`${NAME}=${await jwtOf(token, changes)}`]), { status: 401, removed: [] })
    t.same(await answerTo(await partsOf(token, changes)), { status: 401, removed: [] })
  }
  t.same(
    await answerTo((await partsOf(token)).slice(0, 2)),
    { status: 401, removed: [] },
    'the last part is missing',
  )
  const ofItsOwn = 'a'.repeat(9_000).match(/.{1,3933}/g) ?? []
  t.same(await answerTo(ofItsOwn.map((text, i) => `${NAME}.${i}=${text}`)), { status: 401, removed: [] })
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
  t.same(removedBy(response), [`${NAME}.0`, `${NAME}.1`, `${NAME}.2`])
})

t.test('in leased mode, a JWT is answered from the cache until its session ends', async (t) => {
  const leased = await startService({
    database: service.database,
    env: { AUTH_SECRET: SECRET, CHECK_MODE: 'leased' },
  })
  await leased.answersFromMemory()
  const { token } = await service.signIn(ada)
  const headers = { cookie: `${NAME}=${await jwtOf(token)}` }
  const checkLeased = async () => (await leased.http('/check', { headers })).status
  await waitFor('a check from the cache', async () => (await checkLeased()) === 200 && leased.hits() > 0)
  await service.sessions.logout(token, 'local', { userAgent: null, ipAddress: null })
  t.equal(await checkLeased(), 401)
})

t.test('the pages show the user of a JWT', async (t) => {
  const { token } = await service.signIn(ada)
  const page = await service.http('/', { headers: { cookie: `${NAME}=${await jwtOf(token)}` } })
  t.equal(page.status, 200)
  t.match(await page.text(), /Sign out/)
})

t.test('without AUTH_SECRET, a JWT cookie is logged, once', async (t) => {
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

t.test('a plain token under the same name is read as before, synchronously', async (t) => {
  const { token } = await service.signIn(ada)
  t.equal(await check([`${NAME}=${token}`]), 200)
  const read = createCredentialReader([NAME], [SECRET], service.log)
  t.same(read({ cookie: `${NAME}=plain` }), { kind: 'token', token: 'plain', via: 'cookie' })
  t.same(read({ authorization: 'Bearer plain' }), { kind: 'token', token: 'plain', via: 'bearer' })
  t.same(read({ cookie: `${NAME}=; a=b` }), { kind: 'none' }, 'an empty value counts as no cookie')
})

t.test('the first name that has a value is read, whether JWT or plain token', async (t) => {
  const read = createCredentialReader(['first', 'second'], [SECRET], service.log)
  const jwt = (name: string) => encode({ token: claims('in-the-jwt'), secret: SECRET, salt: name })
  const [first, second] = [await jwt('first'), await jwt('second')]
  t.match(await read({ cookie: `second=${second}; first=plain` }), { token: 'plain' })
  t.match(await read({ cookie: `second=plain; first=${first}` }), { token: 'in-the-jwt' })
  t.match(await read({ cookie: `first=; second=${second}` }), { token: 'in-the-jwt' })
  t.match(await read({ cookie: `second=${first}` }), { kind: 'refused' }, 'encrypted for another cookie name')
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

/** Splits a value as Auth.js splits a JWT of 10 kB. */
async function partsOf(token: string, changes: Parameters<typeof jwtOf>[1] = {}): Promise<string[]> {
  const text = await jwtOf(token, { ...changes, padding: 'a'.repeat(7_000) })
  return (text.match(/.{1,3936}/g) ?? []).map((part, i) => `${NAME}.${i}=${part}`)
}

const wholeOf = (token: string) => jwtOf(token).then((text) => `${NAME}=${text}`)

async function check(cookies: readonly string[]): Promise<number> {
  return (await answerTo(cookies)).status
}

/** The status of a check, and the names of the cookies that it removes. */
async function answerTo(cookies: readonly string[]) {
  const response = await service.http('/check', { headers: { cookie: cookies.join('; ') } })
  await response.arrayBuffer()
  return { status: response.status, removed: removedBy(response) }
}

function removedBy(response: Response): string[] {
  const set = response.headers.getSetCookie().map((line) => line.split('=', 2))
  return [...new Set(set.flatMap(([name = '', value]) => (value?.startsWith(';') ? [name] : [])))].sort()
}
