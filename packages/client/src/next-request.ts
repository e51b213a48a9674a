/** The request that Next is handling, and what the environment says about this deployment. Nothing is read at import. */
import { headers as currentHeaders } from 'next/headers.js'
import { type Client, createClient } from './client.ts'
import type { RequestLike } from './credentials.ts'

/** Next replaces these expressions or reads them at run time; `process` itself is missing in some edge runtimes. */
declare const process: {
  env: Partial<Record<'GLOBAL_LOGOUT_URL' | 'GLOBAL_LOGOUT_KEY' | 'GLOBAL_LOGOUT_TRUSTED_PROXIES', string>>
}

type HeadersLike = Pick<Headers, 'get'>

let client: Client | undefined

/** Names that Auth.js and next-auth give to the session cookie, and its parts. */
const SESSION_COOKIE = /^(__Host-|__Secure-)?(authjs|next-auth)\.session-token(\.\d+)?$/

/** One for the process. @throws Error without GLOBAL_LOGOUT_URL. */
export function clientFromEnvironment(): Client {
  client ??= createClient({ url: serviceUrl(), key: process.env.GLOBAL_LOGOUT_KEY })
  return client
}

/** The address of the service, without a slash at its end. @throws Error without GLOBAL_LOGOUT_URL. */
export function serviceUrl(): string {
  const url = process.env.GLOBAL_LOGOUT_URL
  if (!url) throw new Error('Set GLOBAL_LOGOUT_URL to the address of the global-logout service.')
  return url.replace(/\/+$/, '')
}

/** @throws Error where there is no request, as `headers()` of Next. */
export async function currentRequest(): Promise<RequestLike & { headers: HeadersLike }> {
  return requestOf(await currentHeaders())
}

/**
 * Leads the user to a path. Imported when it is needed: `next.config` loads this package without Next's bundler, which alone knows the
 * module by this name. By its file name Next 16 takes it for that of client components, which route handlers cannot have.
 */
export async function redirectTo(path: string): Promise<never> {
  const { redirect } = await import('next/navigation')
  return redirect(path)
}

/** The session cookies of a request, and their parts. A name occurs twice where two cookies have it. */
export function sessionCookies({ headers }: { headers: HeadersLike }): { name: string; value: string }[] {
  return (headers.get('cookie') ?? '')
    .split(';')
    .map((pair) => {
      const [name = '', ...value] = pair.trim().split('=')
      return { name, value: value.join('=') }
    })
    .filter(({ name }) => SESSION_COOKIE.test(name))
}

export function requestOf(headers: HeadersLike): RequestLike & { headers: HeadersLike } {
  return { headers, ip: clientAddress(headers) }
}

/**
 * The device of the current request, for the user's list of devices: `withGlobalLogout(adapter, sessions, { device })`.
 * The address is null unless GLOBAL_LOGOUT_TRUSTED_PROXIES says how many proxies are in front of Next.
 */
export async function device(): Promise<{ userAgent: string | null; ipAddress: string | null }> {
  const { headers, ip = null } = await currentRequest()
  return { userAgent: headers.get('user-agent'), ipAddress: ip }
}

/**
 * Each trusted proxy appends the address of its own client, so the nth entry from the right is true. Everything before it may be
 * forged; without a proxy, Next keeps the whole header as the client sent it.
 */
function clientAddress(headers: HeadersLike): string | undefined {
  const proxies = Number(process.env.GLOBAL_LOGOUT_TRUSTED_PROXIES ?? 0)
  const entries = (headers.get('x-forwarded-for') ?? '').split(',')
  return proxies > 0 ? entries.at(-proxies)?.trim() || undefined : undefined
}
