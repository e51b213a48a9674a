/** The composition: a plugin without its guards stops the start; services close in reverse order; jobs start and end. */
import Fastify from 'fastify'
import t from 'tap'
import { buildApp } from '../src/app.ts'
import { readConfig } from '../src/config.ts'
import { startJobs } from '../src/jobs.ts'
import { createCleanup } from '../src/lib/cleanup.ts'
import { silentLog } from '../src/lib/log.ts'
import { createLogger } from '../src/observability/log.ts'
import { createServices } from '../src/services.ts'
import { userApi } from '../src/sessions/routes.ts'
import { createWebContext } from '../src/sessions/web-context.ts'
import { testDatabase } from './support/database.ts'
import { startService } from './support/service.ts'
import { waitFor } from './support/within.ts'

const nowhere = 'postgres://nobody@127.0.0.1:1/none'
const config = readConfig({ DATABASE_URL: nowhere })

t.test('a capability without the guards that it depends on stops the start', async (t) => {
  const services = createServices(config, silentLog, { url: nowhere })
  t.teardown(services.close)
  const app = Fastify()
  await t.rejects(
    async () => app.register(userApi, { ...services, ...createWebContext(config, null, silentLog) }),
    /The dependency 'session-guard' of plugin 'user-api' is not registered/,
  )
})

t.test('services and app are created and closed without a database', async (t) => {
  const services = createServices(config, silentLog, { url: nowhere })
  const app = await buildApp(services, createLogger('silent'))
  await app.ready()
  t.equal((await app.inject('/healthz')).statusCode, 200)
  t.notMatch(await services.metrics.text(), /nodejs_eventloop_lag/, 'only a serving process is observed')
  await app.close()
  await services.close()
  for (const pool of Object.values(services.pools)) t.equal(pool.pool.totalCount, 0)
})

t.test('a test cannot set lifetimes that only a start applies', async (t) => {
  for (const name of ['SESSION_MAX_AGE', 'SESSION_IDLE_TIMEOUT'])
    await t.rejects(startService({ env: { [name]: '1h' } }), { message: new RegExp(name) })
})

t.test('cleanup runs in reverse order, and a failed step does not stop the others', async (t) => {
  const ended: string[] = []
  const cleanup = createCleanup()
  cleanup.add(async () => ended.push('first'))
  cleanup.add(async () => {
    throw new Error('cannot end')
  })
  cleanup.add(async () => ended.push('last'))
  await t.rejects(cleanup.run(), { errors: [{ message: 'cannot end' }] })
  t.same(ended, ['last', 'first'])
  await cleanup.run()
  t.equal(ended.length, 2, 'no step runs twice')
})

t.test('jobs run from startJobs to close; a job in "except" does not start', async (t) => {
  const { url, psql } = await testDatabase()
  const instances = async () => (await psql('select from instance')).length
  const sealed = async () => (await psql('select from audit_link')).length
  const leased = readConfig({ DATABASE_URL: url, CHECK_MODE: 'leased' })
  await psql(`insert into staff (user_id, role) values ('ada', 'auditor')`)

  const whole = createServices(leased, silentLog, { url })
  startJobs(whole)
  t.match(await whole.metrics.text(), /^nodejs_eventloop_lag_seconds /m, 'the process is observed')
  await waitFor('the instance to join', async () => (await instances()) === 1)
  await waitFor('the record to be sealed', async () => (await sealed()) > 0)
  await whole.close()
  t.equal(await instances(), 0, 'it has left')

  const before = await sealed()
  await psql(`delete from staff where user_id = 'ada'`)
  const without = createServices(leased, silentLog, { url })
  startJobs(without, { except: ['lease'] })
  await waitFor('the record to be sealed again', async () => (await sealed()) > before)
  t.equal(await instances(), 0, 'it has not joined')
  await without.close()
})
