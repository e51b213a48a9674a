/** The OpenAPI document is complete, valid, and describes what the service does. */
import { join } from 'node:path'
import type { OpenAPIV3_1 } from 'openapi-types'
import t from 'tap'
import { ERRORS } from '../../src/errors.ts'
import { watchRoutes } from '../support/routes.ts'
import { runProgram } from '../support/run-program.ts'
import { startService } from '../support/service.ts'

const routes = watchRoutes()
const service = await startService({ demo: true })
const document = (await (await service.http('/openapi.json')).json()) as OpenAPIV3_1.Document
const operations = Object.entries(document.paths ?? {}).flatMap(([path, item]) =>
  Object.entries(item ?? {}).map(([method, operation]) => ({
    name: `${method.toUpperCase()} ${path}`,
    operation: operation as OpenAPIV3_1.OperationObject & { security: object[] },
  })),
)
/** Pages for people, and their assets. */
const PAGES = [
  '/',
  '/devices',
  '/login',
  '/logout',
  '/sessions/:id',
  '/sessions/:id/end',
  '/sessions/:id/name',
  '/signed-out',
  '/sign-in',
  '/assets/*',
]

t.test('every route for programs is in the document', async (t) => {
  const missing = routes.filter(
    ({ method, url, documented }) =>
      !documented &&
      method !== 'HEAD' &&
      !PAGES.includes(url) &&
      !url.startsWith('/docs') &&
      !url.startsWith('/admin'),
  )
  t.same(missing, [])
  const registered = routes
    .filter(({ documented }) => documented)
    .map(({ method, url }) => `${method} ${url.replace(/:(\w+)/g, '{$1}')}`)
  const methods = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']
  const checks = methods.flatMap((method) => [`${method} /check`, `${method} /check/{path}`])
  t.same(
    operations.map(({ name }) => name).sort(),
    [...checks, ...registered.filter((name) => !name.startsWith('HEAD'))].sort(),
  )
})

t.test('each operation states its purpose, its callers and all of its refusals', async (t) => {
  for (const { name, operation } of operations) {
    t.ok(operation.operationId && operation.summary && operation.tags?.length === 1, name)
    t.ok(Array.isArray(operation.security), `${name} names its callers`)
    const statuses = Object.keys(operation.responses ?? {})
    t.ok(
      ['408', '431', '500'].every((status) => statuses.includes(status)),
      `${name}: ${statuses}`,
    )
    if (operation.security.length > 0)
      t.ok(
        ['401', '503'].every((status) => statuses.includes(status)),
        `${name}: ${statuses}`,
      )
  }
  const told = JSON.stringify([document.paths, document.components?.responses])
  t.same(
    Object.keys(ERRORS).filter((code) => !told.includes(`"${code}"`)),
    ['not_found'],
    'every other code is documented; this one belongs to no route',
  )
})

t.test('the page shows what most callers come for first', async (t) => {
  const order = operations.map(({ name }) => name)
  const tags = document.tags?.map(({ name }) => name) ?? []
  const firstOf = (tag: string) => operations.find(({ operation }) => operation.tags?.[0] === tag)?.name
  t.same(tags.slice(0, 4).map(firstOf), [
    'GET /check',
    'POST /api/logout',
    'POST /api/sessions',
    'GET /api/admin/users',
  ])
  t.equal(tags.at(-1), 'gateways, other methods')
  t.equal(order.filter((name) => name.endsWith(' /check')).length, 7, 'and hides none')
})

t.test('a body that may be omitted is marked as optional', async (t) => {
  const body = (name: string) =>
    operations.find((found) => found.name === name)?.operation.requestBody as OpenAPIV3_1.RequestBodyObject
  t.equal(body('POST /api/logout').required, false)
  t.equal(body('POST /introspect').required, true)
})

t.test('"npm run -s openapi" prints the served document, and a linter accepts it', async (t) => {
  const { stdout: printed } = await runProgram('npm', ['run', '-s', 'openapi'], { maxBuffer: 2 ** 22 })
  t.same(JSON.parse(printed), document)
  const lint = async (text: string) => {
    const file = join(t.testdir({ 'openapi.json': text }), 'openapi.json')
    return runProgram('redocly', ['lint', file], { env: { ...process.env, REDOCLY_TELEMETRY: 'off' } }).then(
      ({ stderr }) => stderr,
      ({ stderr }) => `failed: ${stderr}`,
    )
  }
  const found = await lint(printed)
  t.match(found, 'valid')
  t.notMatch(found, /failed|error|warning/i)
  t.match(await lint(printed.replace('operationId', 'operationIt')), 'failed', 'the linter finds a mistake')
})
