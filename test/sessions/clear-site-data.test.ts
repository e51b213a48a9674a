/** Signing out a browser makes it clear its site data (`Clear-Site-Data`); other answers do not. */
import t from 'tap'
import { readConfig } from '../../src/config.ts'
import { json, startService } from '../support/service.ts'
import { problemsOf } from '../support/settings.ts'

const service = await startService()
const HEADER = 'clear-site-data'

async function person() {
  const id = await service.addUser()
  return [await service.signIn(id), await service.signIn(id)] as const
}

t.test('every route that signs this browser out sends Clear-Site-Data for the cache', async (t) => {
  const ways: Record<string, [path: (id: string) => string, init: RequestInit]> = {
    'POST /logout': [() => '/logout', { method: 'POST', body: new URLSearchParams({ scope: 'local' }) }],
    'POST /logout, and on': [
      () => '/logout',
      { method: 'POST', body: new URLSearchParams({ scope: 'global', callbackUrl: '/bye' }) },
    ],
    'POST /api/logout': [() => '/api/logout', json({ scope: 'global' })],
    'POST /sessions/:id/end': [(id) => `/sessions/${id}/end`, { method: 'POST' }],
    'DELETE /api/sessions/:id': [(id) => `/api/sessions/${id}`, { method: 'DELETE' }],
  }
  for (const [way, [path, init]] of Object.entries(ways)) {
    const [{ token, id }] = await person()
    const answer = await service.as(token, path(id), init)
    t.equal(answer.headers.get(HEADER), '"cache"', way)
    t.match(answer.headers.getSetCookie()[0], new RegExp(`^${service.cookieName}=;`), way)
  }
})

t.test('repeating a finished logout sends it too', async (t) => {
  const [{ token }] = await person()
  await service.as(token, '/api/logout', json({}))
  t.equal((await service.as(token, '/api/logout', json({}))).headers.get(HEADER), '"cache"')
})

t.test('a browser that stays signed in, or whose logout is refused, keeps its data', async (t) => {
  const [{ token }, other] = await person()
  const kept = async (path: string, init: RequestInit = {}) => (await service.as(token, path, init)).headers
  t.notOk((await kept('/')).has(HEADER))
  t.notOk((await kept(`/api/sessions/${other.id}`, { method: 'DELETE' })).has(HEADER))
  t.notOk((await kept('/api/logout', json({ scope: 'others' }))).has(HEADER))
  t.notOk(
    (await kept('/api/logout', { ...json({}), headers: { 'sec-fetch-site': 'cross-site' } })).has(HEADER),
  )
  t.notOk(
    (await service.http('/api/logout', json({}))).headers.has(HEADER),
    'no session was given, so none was ended',
  )
})

t.test('CLEAR_SITE_DATA sets what is cleared', async (t) => {
  const wanted = (CLEAR_SITE_DATA: string) => readConfig({ CLEAR_SITE_DATA }).clearSiteData
  t.strictSame(wanted(''), ['cache'])
  t.strictSame(wanted('cache, storage'), ['cache', 'storage'])
  t.strictSame(wanted('none'), [])
  for (const wrong of ['cookies', '*', '"cache"', 'none,cache', 'cache,cookies'])
    t.match(problemsOf({ CLEAR_SITE_DATA: wrong }), [/^CLEAR_SITE_DATA: must be/], wrong)
  for (const [CLEAR_SITE_DATA, header] of [
    ['storage,cache', '"storage", "cache"'],
    ['none', null],
  ] as const) {
    const other = await startService({ env: { CLEAR_SITE_DATA } })
    const { token } = await other.signIn(await other.addUser())
    const answer = await other.as(token, '/api/logout', json({}))
    t.equal(answer.status, 200)
    t.equal(answer.headers.get(HEADER), header)
  }
})
