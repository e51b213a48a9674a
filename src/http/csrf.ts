/**
 * CSRF protection. A state-changing request with a cookie must prove that it comes from this site: by `Sec-Fetch-Site:
 * same-origin` or, without that header, by `Origin`. It needs no token and no JavaScript (OWASP CSRF Prevention Cheat
 * Sheet, Fetch Metadata).
 */
import type { IncomingHttpHeaders } from 'node:http'
import { Problem } from '../errors.ts'

/** @throws Problem `cross_origin` unless the headers prove that the request comes from `publicOrigin`. */
export function assertSameOrigin(headers: IncomingHttpHeaders, publicOrigin: string): void {
  const site = headers['sec-fetch-site']
  if (site === undefined ? headers.origin === publicOrigin : site === 'same-origin') return
  throw new Problem(
    'cross_origin',
    `A request with a cookie needs the header "Sec-Fetch-Site: same-origin" or "Origin: ${publicOrigin}". Browsers add both to requests from this site.`,
  )
}
