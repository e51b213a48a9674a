/**
 * Sessions that can be ended for the Credentials provider, alone or beside other providers, in Auth.js 5 and next-auth 4. Auth.js
 * gives a sign-in with credentials a JWT even where all other sessions are in the database. Here it gets a session, as the others.
 *
 *     NextAuth(databaseCredentials({ adapter: withGlobalLogout(…), providers: [Credentials({ authorize })] }))
 *
 * How: beside database sessions, Auth.js calls `callbacks.jwt` and `jwt.encode` for sign-ins with credentials alone, and sets the
 * session cookie to what `encode` returns. Both are documented options. An upgrade that changes this fails the sign-in, because
 * `encode` throws without a session.
 */
import type { RequestLike } from '@global-logout/client'
import type { AnyProvider, AnyText } from './types.ts'

// biome-ignore-start lint/suspicious/noExplicitAny: the options of Auth.js 5 and next-auth 4 alike, whose types differ
/** The options of `Auth`, `NextAuth` or `ExpressAuth` that matter here. */
export interface CredentialsConfig {
  adapter?: { createSession?: (session: any) => any; deleteSession?: (token: string) => any } | undefined
  providers: readonly AnyProvider[]
  session?: { strategy?: AnyText<'database'> | undefined; maxAge?: number } | undefined
  callbacks?:
    | {
        [name in 'jwt' | 'session' | 'signIn' | 'redirect' | 'authorized']?:
          | ((params: any) => any)
          | undefined
      }
    | undefined
  jwt?: object | undefined
  cookies?: { sessionToken?: { name?: string } } | undefined
}
// biome-ignore-end lint/suspicious/noExplicitAny: as above

interface CredentialsSignIn {
  token: object
  user: Authorized
}

/** What is kept of a user whom `authorize` returned: the id as the adapter has it, of which Auth.js makes a text; and the request. */
interface Authorized {
  id: unknown
  request?: RequestLike | undefined
}

/** 30 days, the default of Auth.js, in seconds. */
const MAX_AGE = 30 * 86_400
/** The names that Auth.js and next-auth give the session cookie, unless the application has its own. */
const COOKIE_NAME = /^(__Host-|__Secure-)?(next-auth|authjs)\.session-token$/

/**
 * @param config the options of Auth.js, with an adapter of `withGlobalLogout` that knows the users whom `authorize` returns.
 * @returns the options to use in its place. A session that the browser had before ends at the sign-in.
 * @throws TypeError without an adapter, and for `session.strategy: 'jwt'`.
 */
export function databaseCredentials<Config extends CredentialsConfig>(config: Config): Config {
  const { adapter, callbacks } = config
  const { strategy = 'database', ...session } = config.session ?? {}
  const { createSession, deleteSession } = adapter ?? {}
  if (!createSession || !deleteSession)
    throw new TypeError('databaseCredentials: needs an adapter, withGlobalLogout(adapter, sessions)')
  if (strategy !== 'database')
    throw new TypeError(
      `databaseCredentials: makes database sessions; with strategy ${strategy} use jwtSessions`,
    )
  const authorized = new WeakMap<object, Authorized>()
  /** The session token of each JWT that Auth.js is about to encode. */
  const sessionTokens = new WeakMap<object, string>()

  async function jwt(params: CredentialsSignIn): Promise<object | null> {
    const token = callbacks?.jwt ? await callbacks.jwt(params) : params.token
    if (token === null) return null
    const { id, request } = authorized.get(params.user) ?? params.user
    const expires = new Date(Date.now() + (session.maxAge ?? MAX_AGE) * 1000)
    const made = await createSession?.({ sessionToken: crypto.randomUUID(), userId: id, expires })
    // Last, so that a sign-in that fails leaves the browser as it was.
    for (const previous of previousTokens(request, config.cookies?.sessionToken?.name))
      await deleteSession?.(previous)
    sessionTokens.set(token, made.sessionToken)
    return token
  }

  async function encode({ token }: { token?: object }): Promise<string> {
    const sessionToken = token && sessionTokens.get(token)
    if (!sessionToken) throw new Error('databaseCredentials: no session was made for this sign-in')
    return sessionToken
  }

  return {
    ...config,
    // Without a strategy, because Auth.js refuses to combine `database` with credentials alone. With an adapter it is the default.
    session,
    callbacks: { ...callbacks, jwt },
    jwt: { ...config.jwt, encode },
    providers: config.providers.map((provider) => noticeUsers(provider, authorized)),
  }
}

/** The provider, with an `authorize` that notes the user whom it returns. */
function noticeUsers(provider: unknown, authorized: WeakMap<object, Authorized>): unknown {
  const given = (typeof provider === 'function' ? provider() : provider) as {
    type?: string
    authorize?: Authorize
    options?: { authorize?: Authorize }
  }
  if (given.type !== 'credentials') return provider
  const original = given.options?.authorize ?? given.authorize
  const authorize: Authorize = async (credentials, request) => {
    const user = await original?.(credentials, request)
    if (user) authorized.set(user, { id: user.id, request })
    return user
  }
  return { ...given, options: { ...given.options, authorize } }
}

type Authorize = (credentials: unknown, request?: RequestLike) => Promise<{ id?: unknown } | null | undefined>

function previousTokens(request: RequestLike | undefined, ownName: string | undefined): string[] {
  if (!request?.headers) return []
  const { headers } = request
  const cookie = typeof headers.get === 'function' ? headers.get('cookie') : Object(headers).cookie
  return String(cookie ?? '')
    .split(';')
    .map((pair) => pair.trim().split('='))
    .filter(([name = '', value]) => value && (name === ownName || COOKIE_NAME.test(name)))
    .map(([, value = '']) => value)
}
