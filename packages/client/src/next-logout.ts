'use server'
/**
 * Sign-out as a server action: `<form action={logout.bind(null, 'global')}>`. It leaves the page only when the sessions have ended,
 * durably and everywhere; in every other case it throws, the cookie stays, and `error.tsx` tells the user.
 *
 * Everything that this file exports can be called by any client with any arguments. Next refuses calls from other origins.
 */
import { cookies } from 'next/headers.js'
import { redirect } from 'next/navigation.js'
import { NotSignedOutError } from './errors.ts'
import { currentRequest, sessionsFromEnvironment } from './next-request.ts'
import type { LogoutScope } from './sessions.ts'

const SCOPES: readonly unknown[] = ['local', 'others', 'global'] satisfies LogoutScope[]
/** Names that Auth.js and next-auth give to the session cookie, and its parts. */
const SESSION_COOKIE = /^(__Host-|__Secure-)?(authjs|next-auth)\.session-token(\.\d+)?$/

/**
 * @param form its field `callbackUrl` is the path to go to, `/signed-out` by default; `/` for the scope `others`.
 * @throws NotSignedOutError unless the sessions have ended.
 */
export async function logout(scope: LogoutScope = 'local', form?: FormData): Promise<never> {
  if (!SCOPES.includes(scope)) throw new TypeError('scope: must be local, others or global')
  const isOver = await endSessions(scope)
  if (isOver) await clearCookies()
  return redirect(pathIn(form) ?? (isOver ? '/signed-out' : '/'))
}

/** @returns whether this browser is signed out now. */
async function endSessions(scope: LogoutScope): Promise<boolean> {
  try {
    const request = await currentRequest()
    await sessionsFromEnvironment().logout(request, { scope })
    return scope !== 'others'
  } catch (error) {
    // Nothing is left to end here. A session that is over cannot end the others, which may be valid.
    const wasOver = error instanceof NotSignedOutError && error.code === 'invalid_token'
    if (wasOver && scope === 'local') return true
    throw error
  }
}

/** Their sessions have ended; this is tidiness. A cookie with a `Domain` stays, and the next sign-in replaces it. */
async function clearCookies(): Promise<void> {
  const jar = await cookies()
  for (const { name } of jar.getAll()) {
    if (!SESSION_COOKIE.test(name)) continue
    const secure = name.startsWith('__')
    jar.set(name, '', { path: '/', maxAge: 0, httpOnly: true, sameSite: 'lax', secure })
  }
}

/** A path of this application; never another origin. */
function pathIn(form: FormData | undefined): string | undefined {
  const path = form instanceof FormData ? form.get('callbackUrl') : undefined
  return typeof path === 'string' && /^\/(?![/\\])/.test(path) ? path : undefined
}
