/**
 * State-changing requests that a browser authenticates by itself (with a cookie) must prove that they come from
 * this site: `Sec-Fetch-Site: same-origin`, else an `Origin` equal to ours. No token, no state, works without
 * JavaScript (OWASP CSRF Prevention Cheat Sheet, Fetch Metadata).
 */
import type { IncomingHttpHeaders } from 'node:http'
import { Problem } from '../errors.ts'

/** @throws Problem `cross_origin` unless the headers prove that the request comes from `publicOrigin`. */
export function assertSameOrigin(headers: IncomingHttpHeaders, publicOrigin: string): void {
  const site = headers['sec-fetch-site']
  if (site === undefined ? headers.origin === publicOrigin : site === 'same-origin') return
  throw new Problem(
    'cross_origin',
    `With a cookie, this needs the header "Sec-Fetch-Site: same-origin" or "Origin: ${publicOrigin}", as browsers send them from this site.`,
  )
}
