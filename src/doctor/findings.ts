/** What `global-logout doctor` finds, and what it finds in the settings: cookies, redirects and proxies. */
import type { Config } from '../config.ts'

export interface Finding {
  level: 'ok' | 'warning' | 'problem'
  what: string
  /** What was found, and what to do about it. */
  detail: string
}

/** One row of a query on the database at hand, its columns as an array. */
export type Query = <Row extends unknown[]>(text: string) => Promise<Row>

export const ok = (what: string, detail: string): Finding => ({ level: 'ok', what, detail })
export const warning = (what: string, detail: string): Finding => ({ level: 'warning', what, detail })
export const problem = (what: string, detail: string): Finding => ({ level: 'problem', what, detail })

/** Cookies, redirects and proxies, as far as the settings tell. */
export function findInSettings(config: Config): Finding[] {
  const { secure, publicOrigin, cookie, allowedRedirects, trustProxy, trustProxyHeader } = config
  const local = /^https?:\/\/(localhost|127\.|\[::1\])/.test(publicOrigin)
  const plain = allowedRedirects.filter((origin) => origin.startsWith('http://'))
  return [
    secure || local
      ? ok('cookie', `${cookie.name}, ${secure ? 'Secure' : 'on plain http, for this machine only'}`)
      : problem(
          'cookie',
          `PUBLIC_URL is ${publicOrigin}: tokens travel in the clear. Put TLS in front and set PUBLIC_URL to https.`,
        ),
    cookie.domain
      ? warning(
          'cookie domain',
          `every host below ${cookie.domain} sees the session cookie; leave COOKIE_DOMAIN out where one host is enough.`,
        )
      : ok('cookie domain', 'none: the cookie stays with its host'),
    plain.length > 0 && secure
      ? warning(
          'redirects',
          `after a logout people may be sent to plain http: ${plain.join(', ')}. Use https in ALLOWED_REDIRECTS.`,
        )
      : ok('redirects', allowedRedirects.length > 0 ? allowedRedirects.join(', ') : 'to this site only'),
    secure && trustProxy.length === 0
      ? warning(
          'proxy',
          'PUBLIC_URL is https, so a proxy is in front, but TRUST_PROXY is empty: every device would show its address.',
        )
      : ok(
          'proxy',
          trustProxy.length > 0 ? `${trustProxyHeader} is believed from ${trustProxy.join(', ')}` : 'none',
        ),
  ]
}
