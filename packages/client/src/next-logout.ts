'use server'
/**
 * Sign-out as a server action: `<form action={logout.bind(null, 'global')}>`. It leaves the page only when the sessions have ended,
 * durably and everywhere; in every other case it throws, the cookie stays, and `error.tsx` tells the user.
 *
 * Everything that this file exports can be called by any client with any arguments. Next refuses calls from other origins.
 */
import { cookies } from 'next/headers.js'
import { NextResponse } from 'next/server.js'
import { NotSignedOutError } from './errors.ts'
import { clientFromEnvironment, currentRequest, redirectTo, sessionCookies } from './next-request.ts'
import type { LogoutScope } from './sessions.ts'

/** Stands for the origin of this application. */
const HERE = 'http://here.invalid'
const SCOPES: readonly unknown[] = ['local', 'others', 'global'] satisfies LogoutScope[]

/**
 * @param form its field `callbackUrl` is the path to go to, `/signed-out` by default, which shows what has ended; `/devices`
 * for the scope `others`.
 * @throws NotSignedOutError unless the sessions have ended.
 */
export async function logout(scope: LogoutScope = 'local', form?: FormData): Promise<never> {
  if (!SCOPES.includes(scope)) throw new TypeError('scope: must be local, others or global')
  const isOver = scope !== 'others'
  const to = pathIn(form) ?? (isOver ? '/signed-out' : '/devices')
  const lines = await endSessions(scope)
  if (isOver) await clearCookies()
  await setCookies(lines)
  return redirectTo(to)
}

/** @returns the service's `Set-Cookie` lines. */
async function endSessions(scope: LogoutScope): Promise<readonly string[]> {
  try {
    const request = await currentRequest()
    const { cookies } = await clientFromEnvironment().logout(request, { scope })
    return cookies
  } catch (error) {
    // Nothing is left to end here. A session that is over cannot end the others, which may be valid, and of several cookies the
    // service may have read another one.
    const wasOver = error instanceof NotSignedOutError && error.code === 'invalid_token'
    if (wasOver && scope === 'local' && sessionCookies(await currentRequest()).length < 2) return []
    throw error
  }
}

/** Next keeps one cookie of a name; the service names the form that it sets first. */
async function setCookies(lines: readonly string[]): Promise<void> {
  const jar = await cookies()
  const seen = new Set<string>()
  for (const line of lines) {
    const [cookie] = new NextResponse(null, { headers: { 'set-cookie': line } }).cookies.getAll()
    if (!cookie || seen.has(cookie.name)) continue
    seen.add(cookie.name)
    jar.set(cookie)
  }
}

/** Of a session that was over before, or that the service does not name. Their sessions have ended; this is tidiness. */
async function clearCookies(): Promise<void> {
  const jar = await cookies()
  for (const { name } of sessionCookies(await currentRequest())) {
    const secure = name.startsWith('__')
    jar.set(name, '', { path: '/', maxAge: 0, httpOnly: true, sameSite: 'lax', secure })
  }
}

/** A path of this application; never another origin. Browsers, too, leave out tabs and line ends. */
function pathIn(form: FormData | undefined): string | undefined {
  const path = form instanceof FormData ? form.get('callbackUrl') : undefined
  if (typeof path !== 'string' || !path.startsWith('/') || !URL.canParse(path, HERE)) return undefined
  const { origin, pathname, search, hash } = new URL(path, HERE)
  return origin === HERE ? pathname + search + hash : undefined
}
