/** Middleware for Express 4 and 5, connect and compatible frameworks: later handlers run only with an active session. */
import { type AdmissionOptions, admit, stripIdentity } from './admission.ts'
import type { Client } from './client.ts'
import type { Identity } from './sessions.ts'

/** The parts of Node's request and response that are used, so that no type packages are needed. */
interface Request {
  headers: Record<string, string | string[] | undefined>
  /** Set by Express, as configured by `trust proxy`. */
  ip?: string | undefined
  identity?: Identity | null
}
interface Response {
  statusCode: number
  setHeader(name: string, value: string): unknown
  /** In Node 18.3 and newer. */
  appendHeader?(name: string, value: readonly string[]): unknown
  end(body: string): unknown
}

/**
 * Middleware: `app.use(expressSession(client))`. Sets `request.identity`; answers 401 or 503 without calling `next`.
 * Removes `X-User-ID` and `X-Session-ID` that the client sent.
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
