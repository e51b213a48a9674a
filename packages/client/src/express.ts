/**
 * For Express 4 and 5, connect, and whatever else calls `(request, response, next)`: nothing after it runs without a
 * living session.
 */
import { type AdmissionOptions, admit, stripIdentity } from './admission.ts'
import type { Identity } from './check.ts'
import type { Client } from './client.ts'

/** What is used of Node's own request and response, so that no types need to be installed. */
interface Request {
  headers: Record<string, string | string[] | undefined>
  /** Express: by its `trust proxy`. */
  ip?: string | undefined
  identity?: Identity | null
}
interface Response {
  statusCode: number
  setHeader(name: string, value: string): unknown
  /** Node's own, from 18.3 on. */
  appendHeader?(name: string, value: readonly string[]): unknown
  end(body: string): unknown
}

/**
 * Middleware: `app.use(expressSession(client))`. Sets `request.identity`; answers 401 or 503 instead of going on.
 * `X-User-ID` and `X-Session-ID` of the client are removed.
 */
export function expressSession(client: Pick<Client, 'verdict'>, options: AdmissionOptions = {}) {
  return (request: Request, response: Response, next: (error?: unknown) => void): void => {
    stripIdentity(request.headers)
    admit(client, request, options).then((admission) => {
      const { cookies } = admission
      if (cookies.length > 0) response.appendHeader?.('set-cookie', cookies)
      if ('identity' in admission) {
        request.identity = admission.identity
        return next()
      }
      const { status, headers, body } = admission.refusal
      response.statusCode = status
      for (const [name, value] of Object.entries(headers)) response.setHeader(name, value)
      response.end(body)
    }, next)
  }
}
