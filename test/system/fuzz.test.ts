/**
 * Every answer to a random request is documented in the OpenAPI document, has the body described there, and
 * is never an internal error. TEST_SEED repeats a run, FUZZ_RUNS makes it longer.
 */
import fc from 'fast-check'
import type { OpenAPIV3_1 } from 'openapi-types'
import t from 'tap'
import { setRole } from '../../src/staff/roles.ts'
import { watchRoutes } from '../support/routes.ts'
import { seed } from '../support/seed.ts'
import { startService } from '../support/service.ts'
import { type Answer, type Operation, operationsOf } from './fuzz/operations.ts'
import { flawless, type Known, oneWrong, requestsTo } from './fuzz/requests.ts'
import { type Sent, send } from './fuzz/send.ts'

/** The number of random requests for each operation and each caller with access. */
const numRuns = Number(process.env.FUZZ_RUNS ?? 20)

const routes = watchRoutes()
const service = await startService({ demo: true, env: { ALLOWED_REDIRECTS: 'https://app.example.com' } })
const operations = operationsOf((await (await service.http('/openapi.json')).json()) as OpenAPIV3_1.Document)
const eve = await service.addUser('eve')

/** Returns the headers of a caller. */
type Caller = () => Promise<Sent['headers']>

/** A signed-in user, who signs in again when the session has ended. */
function user(headers: (token: string) => Sent['headers'], who = eve): Caller {
  let token = ''
  return async () => {
    if (!token || !(await service.sessions.peek(token))) token = (await service.signIn(who)).token
    return headers(token)
  }
}
const cookie = (token: string): [string, string] => ['cookie', `${service.cookieName}=${token}`]
const bearer = (token: string): [string, string] => ['authorization', `Bearer ${token}`]

async function serviceWith(...scopes: Parameters<typeof service.keyFor>): Promise<Caller> {
  const { key } = await service.keyFor(...scopes)
  return async () => [bearer(key)]
}

async function staff(role: 'security' | 'auditor'): Promise<Caller> {
  const who = await service.addUser(role)
  await service.database.run((db) => setRole(db, who, role))
  return user((token) => [cookie(token), ['sec-fetch-site', 'same-origin']], who)
}

const callers: Record<string, Caller> = {
  'no credentials': async () => [],
  'a user, by cookie': user((token) => [cookie(token), ['sec-fetch-site', 'same-origin']]),
  'a user, from another site': user((token) => [cookie(token), ['sec-fetch-site', 'cross-site']]),
  'a user, by bearer': user((token) => [bearer(token)]),
  'a user with two cookies': user((token) => [cookie(token), cookie(`${token}x`)]),
  'an unknown token': async () => [bearer('unknown')],
  'a service that may introspect': await serviceWith('introspect'),
  'a service that may sign in': await serviceWith('sessions:create'),
  'a service that may follow': await serviceWith('events'),
  'a service that may lease': await serviceWith('leases'),
  'security staff, by cookie': await staff('security'),
  'an auditor, by cookie': await staff('auditor'),
  'a service for staff': await serviceWith('security'),
  'a service with a wrong key': async () => [bearer(`glk_${'x'.repeat(43)}`)],
}

const eveSession = await service.signIn(eve)
const follower = await service.keyFor('events')
const { cursor } = (await (await service.http('/events', { headers: follower.headers })).json()) as {
  cursor: string
}
/** A cursor of another database. */
const strange = Buffer.from(cursor, 'base64url')
  .toString()
  .replace(/\/.{11}\//, '/AAAAAAAAAAA/')
const known: Known = {
  id: [eveSession.id, crypto.randomUUID(), eveSession.id.toUpperCase()],
  path: ['orders', 'a%2fb'],
  scope: ['local', 'others', 'global'],
  callbackUrl: ['/', 'https://app.example.com/bye', 'https://evil.example', 'javascript:alert(1)'],
  token: [eveSession.token, 'unknown'],
  token_type_hint: ['access_token'],
  userId: ['eve', 'nobody'],
  userAgent: ['Mozilla/5.0', null],
  ipAddress: ['203.0.113.7', '2001:db8::1', null],
  replaces: [null, 'unknown', 'x'.repeat(512)],
  since: [cursor, Buffer.from(strange).toString('base64url')],
  // Long polls would only slow the test down.
  wait: ['0'],
  email: ['ada@example.com'],
  caller: [crypto.randomUUID()],
  instance: [null, crypto.randomUUID()],
  cursor: [null, { server: 'one', snapshot: '10:12:10,11' }],
  uses: [[], [{ sessionId: eveSession.id, activity: true }]],
}

/** What no answer may contain: a stack, a query, an error of the database or of a library. */
const INSIDE =
  /\n\s+at |node_modules|\.[jt]s:\d|\bselect\b[^"{}]+\bfrom\b|insert into|update "|violates|syntax error at|relation "|\bECONN|\bETIMEDOUT|\bpg_|TypeError|RangeError/i

function complaintsOf(answer: Answer): string[] {
  const { status, headers, body } = answer
  const complaints: string[] = []
  // The service has CHECK_MODE=database, where nothing is lent.
  if (status >= 500 && !body?.includes('"no_lease"')) complaints.push(`${status}: ${body}`)
  if (body && INSIDE.test(body)) complaints.push(`it shows the inside: ${INSIDE.exec(body)?.[0]}`)
  if (body && String(headers['content-type']).startsWith('application/problem+json')) {
    const { requestId, status: told } = JSON.parse(body)
    if (headers['x-request-id'] !== requestId) complaints.push('the request ids differ')
    if (told !== status) complaints.push(`it says ${told} and means ${status}`)
    if (status === 401 && !headers['www-authenticate']) complaints.push('401 without a challenge')
  }
  return complaints
}

/** Whether a path is one of the operation; `/api/sessions//` is not one of `/api/sessions/{id}`. */
function isOf({ path }: Operation, asked: string): boolean {
  const pattern = path.replace(/\{path\}$/, '.*').replace(/\{\w+\}/g, '[^/?#]+')
  return new RegExp(`^${pattern}/?$`).test(asked.split('?', 1)[0] ?? '')
}

type Judge = (sent: Sent, answer: Answer) => string[]

/** Sends a request as a caller. @throws Error with the request when the answer is wrong. */
async function ask(made: Sent, caller: Caller, judge: Judge): Promise<Answer> {
  const sent = { ...made, headers: [...(await caller()), ...made.headers] }
  const answer = await untilDecided(sent)
  const complaints = judge(sent, answer)
  if (complaints.length === 0) return answer
  const { body, ...rest } = sent
  const request = JSON.stringify({ ...rest, body: body && Buffer.from(body).toString('latin1') })
  throw new Error(`${complaints.join('; ')}\n${request.slice(0, 2_000)}`)
}

/** Repeats a request that is answered 503, up to ten times: on a busy machine the database may be late. */
async function untilDecided(sent: Sent): Promise<Answer> {
  for (let left = 10; ; left--) {
    const answer = await send(service.base, sent)
    if (answer.status !== 503 || answer.body?.includes('"no_lease"') || left === 0) return answer
  }
}

/** Sends many requests. Fails with the smallest one that is answered wrongly. */
async function drive(operation: Operation, caller: Caller, judge: Judge): Promise<void> {
  const { status } = await ask(flawless(operation, known), caller, judge)
  // A caller with access reaches more code than one without.
  const enters = ![401, 403, 429].includes(status)
  if (enters) for (const sent of oneWrong(operation, known)) await ask(sent, caller, judge)
  await fc.assert(
    fc.asyncProperty(requestsTo(operation, known), async (sent) => void (await ask(sent, caller, judge))),
    {
      seed: seed + driven++,
      numRuns: Math.ceil(numRuns * (enters ? 1 : 1 / 3) * (isRepeated(operation) ? 1 / 4 : 1)),
    },
  )
}
let driven = 0

/** Whether this is `/check` by another method than GET: one handler answers all, and reads neither method nor body. */
const isRepeated = ({ method, path }: Operation) => path.startsWith('/check') && method !== 'GET'

for (const operation of operations)
  t.test(`${operation.method} ${operation.path} answers every caller as documented`, async (t) => {
    for (const [name, caller] of Object.entries(callers))
      await t.resolves(
        drive(operation, caller, (sent, answer) => [
          ...complaintsOf(answer),
          ...(isOf(operation, sent.path) ? operation.complaints(answer) : []),
        ]),
        name,
      )
  })

const pages = routes.filter(({ documented, method }) => !documented && method !== 'HEAD')

t.test('pages and files answer every caller without an internal error', async (t) => {
  t.ok(pages.length >= 10, `${pages.length} routes`)
  for (const { method, url } of pages) {
    const path = url.replace(/:(\w+)/g, '{$1}').replace(/\*$/, '{path}')
    const fields = ['scope', 'callbackUrl', 'email']
    const form = { properties: Object.fromEntries(fields.map((field) => [field, {}])) }
    const bodies: Operation['bodies'] = method === 'GET' ? {} : { form }
    const operation = { method, path, parameters: [], bodies, complaints: () => [] }
    for (const name of [
      'no credentials',
      'a user, by cookie',
      'security staff, by cookie',
      'a user with two cookies',
    ])
      await t.resolves(
        drive(operation, callers[name] as Caller, (_, answer) => complaintsOf(answer)),
        `${method} ${url}: ${name}`,
      )
  }
})

t.test('an undocumented method is answered 404, and HEAD like GET without a body', async (t) => {
  const methods = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'TRACE', 'PROPFIND', 'QUERY']
  const paths = [...new Set(operations.map(({ path }) => path))].filter((path) => !path.startsWith('/check'))
  for (const path of paths)
    for (const method of methods) {
      if (operations.some((operation) => operation.path === path && operation.method === method)) continue
      const asked = path.replace(/\{\w+\}/, eveSession.id)
      const answer = await send(service.base, { method, path: asked, headers: [] })
      t.same(complaintsOf(answer), [], `${method} ${path}`)
      const get = operations.find((operation) => operation.path === path && operation.method === 'GET')
      if (method === 'HEAD' && get && answer.status !== 404) t.equal(answer.body, null, `${method} ${path}`)
      // A QUERY without a type is malformed, wherever it leads (RFC 10008).
      else t.equal(answer.status, method === 'QUERY' ? 400 : 404, `${method} ${path}`)
    }
})
