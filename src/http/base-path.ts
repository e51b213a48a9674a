/**
 * BASE_PATH: below it the service answers what browsers need, the pages and the API of signed-in users and staff. All that is for
 * machines stays where it is: a gateway that routes BASE_PATH to the service publishes neither `/metrics` nor `/check`.
 */
import type { IncomingMessage } from 'node:http'

const FOR_BROWSERS =
  /^\/(?:(?:devices|logout|signed-out|sign-in|login|accent\.css|admin|api\/logout|api\/sessions?)?(?:[?#]|$)|(?:sessions|assets|admin|api\/sessions?|api\/admin)\/)/

/** @returns the path of the service; below BASE_PATH, `/` of nothing for paths that are for machines. */
export function createRewrite(basePath: string): (request: Pick<IncomingMessage, 'url'>) => string {
  return ({ url = '/' }) => {
    if (!basePath || !url.startsWith(basePath)) return url
    const rest = url.slice(basePath.length)
    if (rest !== '' && !/^[/?]/.test(rest)) return url
    const path = rest.startsWith('/') ? rest : `/${rest}`
    return FOR_BROWSERS.test(path) ? path : url
  }
}
