/** Settings: the defaults of the contract, and all problems reported at once, by name. */
import fc from 'fast-check'
import t from 'tap'
import { misspeltSettings, readConfig } from '../src/config.ts'
import { holds } from './support/seed.ts'
import { problemsOf } from './support/settings.ts'

t.test('the defaults are those of the contract', async (t) => {
  t.match(readConfig({}), {
    databaseUrl: undefined,
    host: '127.0.0.1',
    port: 4000,
    publicOrigin: 'http://127.0.0.1:4000',
    cookie: {
      name: 'authjs.session-token',
      names: ['authjs.session-token', 'next-auth.session-token'],
      secure: false,
    },
    policy: { maxAgeSeconds: 30 * 86_400, idleTimeoutSeconds: 7 * 86_400 },
    allowedRedirects: [],
    trustProxy: [],
    trustProxyHeader: 'x-forwarded-for',
    logLevel: 'info',
    checkMode: 'leased',
    journalFolder: null,
  })
  const onHttps = { PUBLIC_URL: 'https://id.example.com' }
  t.match(readConfig(onHttps).cookie, {
    name: '__Host-authjs.session-token',
    names: [
      '__Host-authjs.session-token',
      '__Secure-authjs.session-token',
      '__Secure-next-auth.session-token',
    ],
  })
  t.match(readConfig({ ...onHttps, COOKIE_DOMAIN: 'example.com' }).cookie, {
    name: '__Secure-authjs.session-token',
    names: ['__Secure-authjs.session-token', '__Secure-next-auth.session-token'],
  })
  const listed = { SESSION_COOKIE: '__Host-a, __Secure-b,c' }
  t.match(readConfig({ ...listed, ...onHttps }).cookie, {
    name: '__Host-a',
    names: ['__Host-a', '__Secure-b', 'c'],
  })
  t.equal(readConfig({ ...listed, ...onHttps, COOKIE_DOMAIN: 'example.com' }).cookie.name, '__Secure-b')
  t.equal(readConfig(listed).cookie.name, 'c', 'browsers store no prefixed cookie on http')
  t.equal(readConfig({ HOST: '::1' }).publicOrigin, 'http://[::1]:4000')
  t.equal(
    readConfig({ SESSION_MAX_AGE: '1d' }).policy.idleTimeoutSeconds,
    86_400,
    'the idle timeout never exceeds the maximum age',
  )
  t.equal(readConfig({ PORT: '', DATABASE_URL: '' }).port, 4000, 'empty counts as not set')
})

t.test('what people see is checked, so that a page can neither break nor lead away', async (t) => {
  const site = {
    APP_NAME: 'Tea & Co',
    APP_URL: 'https://tea.example/',
    APP_LOGO_URL: 'https://tea.example/logo.svg',
    APP_ACCENT: '#1F5FD0',
    SIGN_IN_URL: '/login?callbackUrl={return}',
    BASE_PATH: '/my/account',
  }
  t.match(readConfig(site).site, {
    name: 'Tea & Co',
    url: 'https://tea.example/',
    accent: '#1f5fd0',
    signInUrl: '/login?callbackUrl={return}',
    basePath: '/my/account',
  })
  t.same(readConfig({}).site, {
    name: null,
    url: null,
    logoUrl: null,
    accent: null,
    signInUrl: null,
    basePath: '',
  })
  for (const [name, wrong] of [
    ['APP_NAME', 'x'.repeat(61)],
    ['APP_NAME', 'a\u202eb'],
    ['APP_URL', 'app.example.com'],
    ['APP_URL', 'javascript:alert(1)'],
    ['APP_LOGO_URL', 'data:image/svg+xml,x'],
    ['APP_ACCENT', 'blue'],
    ['APP_ACCENT', '#fff'],
    ['SIGN_IN_URL', '//evil.example/login'],
    ['SIGN_IN_URL', 'javascript:{return}'],
    ['SIGN_IN_URL', '/login?a={return}&b={return}'],
    ['BASE_PATH', 'account'],
    ['BASE_PATH', '/account/'],
    ['BASE_PATH', '/../x'],
    ['BASE_PATH', '/a"b'],
    ['BASE_PATH', '/check'],
    ['BASE_PATH', '/api/session'],
    ['SIGN_IN_URL', '/sign-in?to={return}'],
    ['SIGN_IN_URL', 'http://127.0.0.1:4000/devices'],
  ] as const)
    t.match(problemsOf({ [name]: wrong }), [new RegExp(`^${name}: must`)], wrong)
  const plain = { PUBLIC_URL: 'https://tea.example', APP_LOGO_URL: 'http://tea.example/logo.svg' }
  t.match(problemsOf(plain), [/^APP_LOGO_URL: must be https/])
})

t.test('every problem is reported at once, by name', async (t) => {
  const problems = problemsOf({
    DATABASE_URL: 'mysql://x',
    PORT: '70000',
    PUBLIC_URL: 'https://a.example/path',
    SESSION_MAX_AGE: '30',
    SESSION_IDLE_TIMEOUT: '1w',
    ALLOWED_REDIRECTS: 'https://ok.example,nonsense',
    TRUST_PROXY: '10.0.0.0/33',
    CLEAR_SITE_DATA: 'cookies',
    LOG_LEVEL: 'loud',
    CHECK_MODE: 'fast',
    JOURNAL_FOLDER: 'journal',
    SESSION_COOKIE: 'a b',
    COOKIE_DOMAIN: '-',
    HOST: 'a b',
  })
  const names = problems.map((line) => line.split(':')[0]?.split('.')[0]).sort()
  t.same(names, [
    'ALLOWED_REDIRECTS',
    'CHECK_MODE',
    'CLEAR_SITE_DATA',
    'COOKIE_DOMAIN',
    'DATABASE_URL',
    'HOST',
    'JOURNAL_FOLDER',
    'LOG_LEVEL',
    'PORT',
    'PUBLIC_URL',
    'SESSION_COOKIE',
    'SESSION_IDLE_TIMEOUT',
    'SESSION_MAX_AGE',
    'TRUST_PROXY',
  ])
})

t.test('settings that contradict each other are refused', async (t) => {
  t.match(problemsOf({ SESSION_COOKIE: '__Host-x' }), [/^SESSION_COOKIE: .*https/])
  t.match(problemsOf({ SESSION_COOKIE: 'a,,b' }), [/^SESSION_COOKIE: .*commas/])
  t.match(
    problemsOf({
      SESSION_COOKIE: '__Host-x',
      PUBLIC_URL: 'https://id.example.com',
      COOKIE_DOMAIN: 'example.com',
    }),
    [/^SESSION_COOKIE: .*domain/],
  )
  t.match(problemsOf({ PUBLIC_URL: 'https://id.example.com', COOKIE_DOMAIN: 'other.com' }), [
    /^COOKIE_DOMAIN/,
  ])
  t.match(problemsOf({ PUBLIC_URL: 'https://badexample.com', COOKIE_DOMAIN: 'example.com' }), [
    /^COOKIE_DOMAIN/,
  ])
  t.match(problemsOf({ SESSION_MAX_AGE: '1h', SESSION_IDLE_TIMEOUT: '2h' }), [/^SESSION_IDLE_TIMEOUT/])
})

t.test('any text in any setting results in a config or in problems with names', async (t) => {
  const names = [
    'DATABASE_URL',
    'HOST',
    'PORT',
    'PUBLIC_URL',
    'SESSION_COOKIE',
    'COOKIE_DOMAIN',
    'SESSION_MAX_AGE',
    'SESSION_IDLE_TIMEOUT',
    'ALLOWED_REDIRECTS',
    'CLEAR_SITE_DATA',
    'TRUST_PROXY',
    'LOG_LEVEL',
    'CHECK_MODE',
  ]
  await holds(
    t,
    fc.property(
      fc.dictionary(fc.constantFrom(...names), fc.oneof(fc.string(), fc.webUrl(), fc.ipV6(), fc.domain())),
      (env) => {
        for (const line of problemsOf(env))
          if (!names.some((name) => line.startsWith(`${name}:`) || line.startsWith(`${name}.`))) return false
        return true
      },
    ),
    { numRuns: 2000 },
  )
})

t.test('a trusted proxy is an address or a range, never every sender', (t) => {
  for (const one of ['10.0.0.1', '10.0.0.0/8', '::1', 'fd00::/8', 'fe80::1%eth0'])
    t.same(readConfig({ TRUST_PROXY: one }).trustProxy, [one])
  for (const one of ['0.0.0.0/0', '::/0', '10.0.0.0/00', '10.0.0.1,0.0.0.0/0'])
    t.match(problemsOf({ TRUST_PROXY: one }), [
      /^TRUST_PROXY: \S+\/0+ lets every client .* name your proxies/,
    ])
  for (const one of ['10.0.0.0/33', '::/129', '10.0.0.0/8/8', '10.0.0/8', 'proxy'])
    t.match(problemsOf({ TRUST_PROXY: one }), [/^TRUST_PROXY: must list addresses/])
  t.end()
})

t.test('a misspelt setting is recognised, and a setting of another program is not', async (t) => {
  const meant = (name: string) => misspeltSettings({ [name]: 'x' })[0]?.meant
  for (const [name, known] of [
    ['TRUSTED_PROXY', 'TRUST_PROXY'],
    ['DATABASE_URI', 'DATABASE_URL'],
    ['PUBIC_URL', 'PUBLIC_URL'],
    ['LOGLEVEL', 'LOG_LEVEL'],
    ['WORKER', 'WORKERS'],
    ['session_max_age', 'SESSION_MAX_AGE'],
    ['SESSION-COOKIE', 'SESSION_COOKIE'],
    ['GLOBAL_LOGOUT_PORT', 'PORT'],
    ['SESSION_TIMEOUT', 'SESSION_IDLE_TIMEOUT'],
    ['MAX_SESSION_AGE', 'SESSION_MAX_AGE'],
  ] as const)
    t.equal(meant(name), known, name)
  const others = `AUTH_SECRET_1 AUTH_URL DATABASE_NAME DATABASE_PASSWORD DATABASE_URL_UNPOOLED DATABASE_USER HOME HOSTNAME LANG
    NEXTAUTH_SECRET NEXT_PUBLIC_URL NODE_ENV OTEL_SERVICE_NAME PATH PGHOST POSTGRES_PASSWORD PWD SESSION_MANAGER SESSION_SECRET SHELL
    SPORT TERM URL USER XDG_SESSION_ID npm_config_loglevel`
  for (const name of others.split(/\s+/)) t.equal(meant(name), undefined, name)
  t.same(misspeltSettings({ PORT: '1', DATABASE_URL: 'x' }), [])
})
