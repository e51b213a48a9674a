/**
 * The participants. Each answers over HTTP, from PostgreSQL or its own memory, which user a cookie belongs
 * to. To add one: its tables in stores.ts, its server in servers/, its row here.
 */
import { signature } from './seeded.ts'
import type { StoreName } from './stores.ts'

export interface Participant {
  label: string
  /**
   * `limit` reads no session; `ours`; a peer that `reads` the database for each check, as ours does in
   * database mode; a peer that `remembers` and may answer "valid" for a session that has ended.
   */
  kind: 'limit' | 'ours' | 'reads' | 'remembers'
  store: StoreName | null
  /** The script that serves it, its arguments, and its settings in addition to PORT and DATABASE_URL. */
  server: { script: string; args?: string[]; env?: Record<string, string> }
  path: string
  /** The `Cookie` header for a token. */
  cookie(token: string): string
  /** The user named by an answer, null for none. */
  userIn(answer: Answer): string | null
  /** Name of a further cookie that its own first answer sets and that every later request carries. */
  keeps?: string
}

export interface Answer {
  status: number
  headers: Headers
  body: string
}

const authjsCookie = (token: string) => `authjs.session-token=${token}`
/** The answer for a gateway: 200 and a header. */
const inHeader = ({ status, headers }: Answer) => (status === 200 ? headers.get('x-user-id') : null)
/** The answer for a browser: JSON, `null` without a session. */
const inBody = ({ status, body }: Answer) => (status === 200 ? (JSON.parse(body)?.user?.id ?? null) : null)

const check = { path: '/check', userIn: inHeader }

const service = (mode: 'database' | 'leased') =>
  ({
    label: `global-logout, ${mode} mode`,
    kind: 'ours',
    store: 'service',
    server: {
      script: '../bin/global-logout.js',
      args: ['start'],
      env: { CHECK_MODE: mode, LOG_LEVEL: 'warn' },
    },
    ...check,
    cookie: authjsCookie,
  }) satisfies Participant

const expressSession = {
  label: 'express-session, connect-pg-simple',
  kind: 'reads',
  store: 'express_session',
  server: { script: 'servers/express-session.ts' },
  ...check,
  cookie: (token: string) =>
    `connect.sid=${encodeURIComponent(`s:${token}.${signature(token).replace(/=+$/, '')}`)}`,
} satisfies Participant

const betterAuth = {
  label: 'Better Auth',
  kind: 'reads',
  store: 'better_auth',
  server: { script: 'servers/better-auth.ts' },
  path: '/api/auth/get-session',
  cookie: (token) => `better-auth.session_token=${encodeURIComponent(`${token}.${signature(token)}`)}`,
  userIn: inBody,
} satisfies Participant

export const participants: Record<string, Participant> = {
  bare: {
    label: 'bare Fastify route (the limit)',
    kind: 'limit',
    store: null,
    server: { script: 'servers/bare.ts' },
    ...check,
    cookie: authjsCookie,
  },
  leased: service('leased'),
  database: service('database'),
  'express-session': expressSession,
  'express-session-untouched': {
    ...expressSession,
    label: 'express-session, connect-pg-simple, disableTouch',
    server: { ...expressSession.server, args: ['untouched'] },
  },
  lucia: {
    label: 'Lucia 3, its PostgreSQL adapter',
    kind: 'reads',
    store: 'lucia',
    server: { script: 'servers/lucia.ts' },
    ...check,
    cookie: (token) => `auth_session=${token}`,
  },
  'authjs-adapter': {
    label: 'Auth.js DrizzleAdapter alone',
    kind: 'reads',
    store: 'authjs',
    server: { script: 'servers/authjs-adapter.ts' },
    ...check,
    cookie: authjsCookie,
  },
  authjs: {
    label: 'Auth.js /auth/session',
    kind: 'reads',
    store: 'authjs',
    server: { script: 'servers/authjs.ts' },
    path: '/auth/session',
    cookie: authjsCookie,
    userIn: inBody,
  },
  'better-auth': betterAuth,
  'better-auth-cached': {
    ...betterAuth,
    label: 'Better Auth, cookie cache',
    kind: 'remembers',
    server: { ...betterAuth.server, env: { COOKIE_CACHE: 'on' } },
    keeps: 'better-auth.session_data',
  },
}
