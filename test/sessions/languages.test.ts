/** The pages speak the reader's language: no text of a page is outside the catalogue, and all languages say the same. */
import { globSync, readFileSync } from 'node:fs'
import t from 'tap'
import { ERRORS, type ErrorCode } from '../../src/errors.ts'
import { logoutPage } from '../../src/sessions/views/logout-page.ts'
import { signInAgainPage } from '../../src/sessions/views/sign-in-again-page.ts'
import { errorPage } from '../../src/ui/error-page.ts'
import { en, type MessageKey } from '../../src/ui/messages/en.ts'
import { LANGUAGES } from '../../src/ui/messages/languages.ts'
import { createSite } from '../../src/ui/site.ts'
import { viewFor } from '../../src/ui/view.ts'
import { addPseudoLanguage, argumentsOf, PSEUDO, parse } from '../support/pseudo.ts'
import { startService } from '../support/service.ts'

const service = await startService()
const site = createSite(service.config.site, service.config.publicOrigin, null)
const keys = Object.keys(en) as MessageKey[]
const languages = [...LANGUAGES]
addPseudoLanguage()

t.test(
  'all languages have the same messages, with the same arguments and all forms of their plurals',
  (t) => {
    for (const [language, { messages }] of languages) {
      t.same(Object.keys(messages).sort(), [...keys].sort(), language)
      const rules = new Intl.PluralRules(language)
      const forms = new Set(Array.from({ length: 200 }, (_, n) => rules.select(n)))
      for (const key of keys) {
        const { names, plurals } = argumentsOf(parse(messages[key]))
        t.same(names, argumentsOf(parse(en[key])).names, `${language}: ${key}`)
        // Zero has a form of its own in Arabic, which a message may give as "=0".
        for (const plural of plurals)
          for (const form of forms)
            t.ok(plural.includes(form) || plural.includes('other'), `${language}: ${key}: ${form}`)
      }
    }
    t.end()
  },
)

t.test('every message is used', (t) => {
  const source = globSync('src/**/*.ts', { exclude: ['src/ui/messages/*'] })
    .map((file) => readFileSync(file, 'utf8'))
    .join('\n')
  t.same(
    keys.filter((key) => !source.includes(`'${key}'`)),
    [],
  )
  t.end()
})

t.test("a reader gets the first of their languages that the pages have, with their region's dates", (t) => {
  const at = new Date('2026-11-23T00:41:00Z')
  for (const [accepted, locale, dir, text] of [
    [undefined, 'en-GB', 'ltr', '23 November 2026'],
    ['*', 'en-GB', 'ltr', '23 November 2026'],
    ['en-US,en;q=0.9', 'en-US', 'ltr', 'November 23, 2026'],
    ['de-AT, en;q=0.5', 'de-AT', 'ltr', '23. November 2026'],
    ['pt-BR, fr;q=0.4, es;q=0.8', 'es', 'ltr', '23 de noviembre de 2026'],
    ['ja-JP-u-ca-japanese', 'ja-JP', 'ltr', '2026年11月23日'],
    ['ar', 'ar', 'rtl', /نوفمبر/],
    ['zz-zz-zz-zz, ; , en;q=nope', 'en-GB', 'ltr', '2026'],
    [`${'x,'.repeat(5_000)}de`, 'de', 'ltr', '2026'],
  ] as const) {
    const view = viewFor(accepted)
    t.same([view.locale, view.dir], [locale, dir], accepted?.slice(0, 40) ?? 'none')
    t.match(String(view.on(at)), text)
    t.match(String(view.on(at)), 'UTC')
  }
  t.end()
})

t.test('a page names its language and direction, and caches learn what it depends on', async (t) => {
  const { token } = await service.signIn(await service.addUser())
  for (const [path, as] of [
    ['/devices', token],
    ['/signed-out', ''],
    ['/nowhere', ''],
  ] as const) {
    const response = await service.as(as, path, {
      headers: { accept: 'text/html', 'accept-language': 'ar-EG' },
    })
    t.equal(response.headers.get('vary'), 'accept-language', path)
    t.match(await response.text(), '<html lang="ar-EG" dir="rtl">')
  }
})

/** Names that are the same in every language, and what a reader chose or sent. */
const NAMES =
  /global-logout|iPhone|iOS|UTC|203\.0\.113\.\d+|\b[0-9a-f]{8}(-[0-9a-f]{4}){0,3}(-[0-9a-f]{12})?\b/g

/** Words in Latin letters: text, and attributes that are read out or shown. */
function latinWords(page: string): string[] {
  const shown = page
    .replace(/<head>.*<title>(.*)<\/title>.*<\/head>/s, '$1')
    .replace(/<script.*?<\/script>/gs, '')
  const attributes = [
    ...shown.matchAll(/ (?:aria-label|title|alt|placeholder|data-just-now|data-busy)="([^"]*)"/g),
  ]
  const text = [shown.replace(/<[^>]*>/g, ' '), ...attributes.map(([, value = '']) => value)].join(' ')
  return (text.replace(NAMES, '').match(/[a-z]{2,}/gi) ?? []).filter(
    (word) => !/^(amp|quot|lt|gt)$/.test(word),
  )
}

t.test('no page of people has a text outside the catalogue', async (t) => {
  const seen: string[] = []
  const check = (name: string, page: string) => {
    t.match(page, `<html lang="${PSEUDO}"`, name)
    t.same(latinWords(page), [], name)
    seen.push(page)
  }
  const language = { 'accept-language': PSEUDO, accept: 'text/html' }
  const open = async (name: string, path: string, token: string | null, cookies = '') => {
    const cookie = [...(token ? [`${service.cookieName}=${token}`] : []), cookies].join('; ')
    const response = await service.http(path, { headers: { ...language, cookie } })
    check(name, await response.text())
  }
  /** Submits a form. @returns the cookie with its outcome. */
  const submit = async (token: string, path: string, fields: Record<string, string> = {}) => {
    const response = await service.as(token, path, {
      method: 'POST',
      headers: language,
      body: new URLSearchParams(fields),
    })
    const [outcome = ''] = response.headers.getSetCookie().filter((line) => line.includes('outcome'))
    const page = await response.text()
    if (page) check(path, page)
    return outcome.split(';', 1)[0] ?? ''
  }
  const person = async (devices: number) => {
    const id = await service.addUser(crypto.randomUUID(), { name: 'Ада' })
    const agents = ['Заметки/2.0', 'Заметки/2.0 (iPhone; iOS 18.6)', '']
    const made = []
    for (let at = 0; at < devices; at++) made.push(await service.signIn(id, agents[at % 3] ?? ''))
    return { id, made, token: made[0]?.token ?? '' }
  }

  const alone = await person(1)
  await open('one device', '/devices', alone.token)
  await open('sign out, one device', '/logout', alone.token)
  const ada = await person(9)
  await open('devices', '/devices', ada.token)
  await open('sign out', '/logout?scope=others', ada.token)
  await open('details of a device', `/sessions/${ada.made[1]?.id}`, ada.token)
  await open('details of this device', `/sessions/${ada.made[0]?.id}`, ada.token)
  await open('one question', `/sessions/${ada.made[1]?.id}/end`, ada.token)
  const ended = await submit(ada.token, `/sessions/${ada.made[1]?.id}/end`)
  await open('one device was ended', '/devices', ada.token, ended)
  const others = await submit(ada.token, '/logout', { scope: 'others' })
  await open('all others were ended', '/devices', ada.token, others)
  await open('another device ended this one', '/signed-out', ada.made[2]?.token ?? '')
  const here = await submit(ada.token, '/logout', { scope: 'global' })
  await open('signed out everywhere', '/signed-out', null, here)
  await open('signed out some time ago', '/signed-out', ada.token)
  const many = await person(102)
  await open('many devices', '/devices', many.token)
  const { next } = await service.sessions.list(many.id, { except: many.made[0]?.id })
  await open('the second page', `/devices?cursor=${next}`, many.token)
  await submit(many.token, '/logout', { scope: 'local', callbackUrl: '/application' })
  await submit(many.made[1]?.token ?? '', '/logout', { scope: 'others', callbackUrl: '/application' })
  await open('signed out in another tab', '/signed-out?followed', null)
  await open('never signed in', '/signed-out', null)
  await open('two cookies', '/signed-out', 'x', `${service.cookieName}=y`)

  const [staff, again, idle, expired] = [await person(1), await person(1), await person(1), await person(1)]
  await service.accounts.revoke(
    staff.id,
    { reason: 'Ticket 4711' },
    { actorKind: 'staff', actorId: 'grace', userAgent: null, ipAddress: null },
  )
  await open('signed out by staff', '/signed-out', staff.token)
  await service.sessions.create({ userId: again.id, userAgent: '', ipAddress: null, replaces: again.token })
  await open('signed in again', '/signed-out', again.token)
  const long = `interval '60 days'`
  await service.database.psql(`update session set "lastSeenAt" = now() - ${long} where "userId" = $1`, [
    idle.id,
  ])
  await open('not used for long', '/signed-out', idle.token)
  await service.database.psql(
    `update session set expires = now() - ${long}, "createdAt" = now() - ${long}, "lastSeenAt" = now() - ${long} where "userId" = $1`,
    [expired.id],
  )
  await open('expired', '/signed-out', expired.token)

  const found = await service.sessions.find((await person(1)).token)
  if (!found) throw new Error('the session of a test is gone')
  check('sign in again', String(signInAgainPage({ ...viewFor(PSEUDO), site }, found.session, '/devices')))
  const { user, session: current } = found
  check(
    'sign out, not recent',
    String(logoutPage({ view: { ...viewFor(PSEUDO), site }, user, current, others: null, scope: 'local' })),
  )
  await open('no such page', '/nowhere', null)
  for (const code of Object.keys(ERRORS) as ErrorCode[])
    check(
      code,
      String(
        errorPage(
          { ...viewFor(PSEUDO), site },
          { status: ERRORS[code].status, code, requestId: '1', sent: true },
        ),
      ),
    )
  t.equal(new Set(seen.map((page) => page.replace(/data-now="[^"]*"/, ''))).size > 20, true)
})
