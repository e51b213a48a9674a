/**
 * JWT sessions that can be ended, in Auth.js 5 and next-auth 4. Each sign-in makes a session; its token is kept inside the JWT, which
 * Auth.js encrypts. Every use of the JWT checks that session:
 *
 * - valid: the application's own callbacks run as ever;
 * - over: Auth.js removes the cookie;
 * - undecided: the application sees no user, and the cookie stays. So no page opens, and no user is signed out.
 *
 *     NextAuth(jwtSessions({ providers }, sessions))
 *
 * It takes the whole configuration, because callbacks that are spread into one are replaced by the application's own without a word.
 *
 * A sign-out by Auth.js ends the session. Where that fails, Auth.js logs an EventError, but clears its cookie and reports success:
 * an event cannot prevent it. Link to `/logout` of the service where a sign-out must be durable before the user sees it.
 */
import type { RequestLike, Sessions } from '@global-logout/client'
import type { GlobalLogoutOptions } from './adapter.ts'
import { profileOf } from './profile.ts'
import { bearer, endSession } from './session-token.ts'
import type { AnyAdapter, AnyProvider, AnyText } from './types.ts'

// biome-ignore-start lint/suspicious/noExplicitAny: the options of Auth.js 5 and next-auth 4 alike, whose types differ
type Callback = ((params: any) => any) | undefined
/** The options of `Auth`, `NextAuth` or `ExpressAuth` that matter here. */
export interface JwtConfig {
  providers: readonly AnyProvider[]
  adapter?: object | undefined
  session?: { strategy?: AnyText<'jwt'> | undefined } | undefined
  callbacks?: { [name in 'jwt' | 'session' | 'signIn' | 'redirect' | 'authorized']?: Callback } | undefined
  events?:
    | { [name in 'signIn' | 'signOut' | 'session' | 'createUser' | 'updateUser' | 'linkAccount']?: Callback }
    | undefined
}
// biome-ignore-end lint/suspicious/noExplicitAny: as above

export interface JwtSignIn {
  user: { id?: unknown; name?: string | null; email?: string | null; image?: string | null }
  account?: { type: string; provider: string; providerAccountId: string } | null
  profile?: unknown
}

export interface JwtSessionsOptions extends Pick<GlobalLogoutOptions, 'device'> {
  /**
   * Returns the id by which a user is known, the same at each sign-in. By default `user.id`. Without an adapter Auth.js gives a user
   * of an identity provider another id at each sign-in; there it is `provider:providerAccountId`.
   */
  userId?: (signIn: JwtSignIn) => string
  /**
   * What the application sees while a session cannot be checked. `hide`, the default: no session, as with database sessions. `mark`:
   * `{ error: 'undecided' }` without a user; use it only if every page looks for `session.user`, and none for `session` alone.
   */
  undecided?: 'hide' | 'mark'
  /** Called with the error of each check without a definite answer. By default it is logged by `console.error`. */
  onUndecided?: (error: unknown) => void
}

type Token = Record<string, unknown>
interface Claim {
  sessionId: string
  /** The secret. It never leaves the encrypted JWT. */
  token: string
}

/** The claim of the JWT that names the session. The service reads it with AUTH_SECRET. */
const CLAIM = 'globalLogout'

/**
 * @param config the options of Auth.js. Its own callbacks and events are kept; they do not see the session token.
 * @returns the options to use in its place.
 * @throws TypeError for `session.strategy: 'database'`.
 */
export function jwtSessions<Config extends JwtConfig>(
  config: Config,
  sessions: Sessions,
  {
    device,
    undecided = 'hide',
    onUndecided = (error) => console.error('global-logout: a session could not be checked', error),
    userId = (signIn) => defaultUserId(signIn, config.adapter !== undefined),
  }: JwtSessionsOptions = {},
): Config {
  const { session, callbacks, events } = config
  if (session?.strategy === 'database')
    throw new TypeError('jwtSessions: makes JWT sessions; with strategy database use withGlobalLogout')
  /** Tokens whose session could not be checked, until Auth.js has made a session of them. */
  const unchecked = new WeakSet<object>()

  async function signIn(params: JwtSignIn & { token: Token }): Promise<Token | null> {
    const token = callbacks?.jwt ? await callbacks.jwt(params) : params.token
    if (!token) return null
    const user = profileOf(userId(params), params.user)
    const created = await sessions.create({ user, ...(await device?.()) })
    if (await isDeleted(params)) {
      await endSession(sessions, created.token)
      throw new Error(`there is no user ${JSON.stringify(params.user.id)}`)
    }
    return { ...token, [CLAIM]: { sessionId: created.sessionId, token: created.token } satisfies Claim }
  }

  /**
   * Whether the user was deleted during the sign-in: the deletion ended the sessions of the user before there was this one. The adapter
   * knows no user whom `authorize` of the Credentials provider returned.
   */
  async function isDeleted({ user, account }: JwtSignIn): Promise<boolean> {
    const adapter = config.adapter as AnyAdapter | undefined
    if (!adapter?.getUser || !isFromProvider(account)) return false
    return !(await adapter.getUser(user.id as string))
  }

  async function use(params: { token: Token }): Promise<Token | null> {
    const { [CLAIM]: claim, ...token } = params.token
    // A JWT from before has no session. It gets none: a copy of it could come back after any sign-out.
    if (!isClaim(claim)) return null
    try {
      if (!(await sessions.check(bearer(claim.token)))) return null
    } catch (error) {
      // An error thrown here would remove the cookie.
      onUndecided(error)
      const kept = { ...params.token }
      unchecked.add(kept)
      return kept
    }
    const next = callbacks?.jwt ? await callbacks.jwt({ ...params, token }) : token
    return next && { ...next, [CLAIM]: claim }
  }

  return {
    ...config,
    session: { ...session, strategy: 'jwt' },
    callbacks: {
      ...callbacks,
      jwt: (params: JwtSignIn & { token: Token }) => (params.user ? signIn(params) : use(params)),

      async session(params: { session: object; token: Token | null }) {
        // Only next-auth 4 asks for the session of no token. An empty object is its "no session".
        if (!params.token) return {}
        if (unchecked.has(params.token)) return withoutUser(params, undecided)
        const { [CLAIM]: _, ...token } = params.token
        // In place: next-auth 5 reads it again after this callback, for a session without a user.
        params.token = token
        return callbacks?.session ? callbacks.session(params) : params.session
      },
    },
    events: {
      ...events,
      async signOut(message: { token?: Token | null }) {
        const { [CLAIM]: claim, ...token } = message.token ?? {}
        if (isClaim(claim)) await endSession(sessions, claim.token)
        await events?.signOut?.({ ...message, token: message.token && token })
      },
    },
  }
}

/** What Auth.js shows of a session that could not be checked. Any object would pass for a user who is signed in. */
function withoutUser(params: { session: object; token: unknown }, undecided: 'hide' | 'mark') {
  if (undecided === 'mark')
    return { user: undefined, expires: Object(params.session).expires, error: 'undecided' }
  // Where this callback returns nothing, next-auth 5 makes a session of its parameters, and turns it into JSON.
  params.session = { toJSON: () => null }
  params.token = undefined
  return null
}

/**
 * A request with the session of a JWT, for `sessions` in process. Over HTTP the service reads the cookie itself.
 *
 *     await sessions.logout(jwtRequest(await getToken({ req, secret })), { scope: 'global' })
 *
 * @param jwt what `getToken` of `@auth/core/jwt`, `next-auth/jwt` returned. It proves nothing alone: `getToken` checks no session.
 */
export function jwtRequest(jwt: object | null): RequestLike {
  const claim = (jwt as Token | null)?.[CLAIM]
  return isClaim(claim) ? bearer(claim.token) : { headers: {} }
}

function defaultUserId({ user, account }: JwtSignIn, hasAdapter: boolean): string {
  if (isFromProvider(account) && !hasAdapter) return `${account.provider}:${account.providerAccountId}`
  return String(user.id)
}

function isFromProvider(account: JwtSignIn['account']): account is NonNullable<typeof account> {
  return account != null && account.type !== 'credentials'
}

function isClaim(claim: unknown): claim is Claim {
  return typeof (claim as Claim | undefined)?.token === 'string'
}
