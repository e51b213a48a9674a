/**
 * Sends one request and reads its answer within one timeout. It does not follow redirects: another server's answer does not
 * count, and a service key must not be forwarded.
 */
import { ServiceError } from './errors.ts'

export interface ExchangeOptions {
  url: string | URL
  timeoutMs?: number | undefined
  fetch?: typeof fetch | undefined
}

export type Exchange = ReturnType<typeof createExchange>

/** Options for requests that may be sent twice: a keep-alive connection can close just when it is reused. */
export const REPEATABLE = { attempts: 2 }

/** Longest timeout, in milliseconds: timers do not support more. */
const LONGEST = 2 ** 31 - 1

export function createExchange({ url, timeoutMs = 2000, fetch: custom }: ExchangeOptions) {
  const base = baseOf(url)
  if (!Number.isInteger(timeoutMs) || timeoutMs < 1 || timeoutMs > LONGEST)
    throw new TypeError(`timeoutMs: must be a whole number of milliseconds from 1 to ${LONGEST}`)
  // Looked up at each call, so that later instrumentation of the global fetch sees these requests.
  const send: typeof fetch = custom ?? ((...request) => fetch(...request))

  return {
    /** Like `fetch`, with the rules above and no timeout. `path` begins with a slash. */
    open: (path: string, init: RequestInit): Promise<Response> =>
      send(base + path, { ...init, redirect: 'manual', cache: 'no-store' }),

    /**
     * Sends the request and passes the answer to `read` within the same timeout. Retries a broken connection if `attempts`
     * allows it, but not after the timeout.
     * @throws what `fetch` throws.
     */
    async ask<T>(
      path: string,
      init: RequestInit,
      read: (response: Response) => Promise<T>,
      { attempts = 1, atLeastMs = 0 } = {},
    ): Promise<T> {
      const signal = AbortSignal.timeout(Math.max(timeoutMs, atLeastMs))
      for (let attempt = 1; ; attempt++) {
        try {
          return await read(await this.open(path, { ...init, signal }))
        } catch (error) {
          if (error instanceof ServiceError || attempt >= attempts) throw error
        }
      }
    },
  }
}

/** `Retry-After` in seconds; undefined if it is absent or a date. */
export function retryAfterOf({ headers }: Response): number | undefined {
  const text = headers.get('retry-after')
  return text && /^\d{1,5}$/.test(text) ? Number(text) : undefined
}

function baseOf(url: string | URL): string {
  const { protocol, username, search, hash, href } = new URL(url)
  if (!/^https?:$/.test(protocol) || username || search || hash)
    throw new TypeError('url: must be the http(s) address of the service, without user, query or fragment')
  return href.replace(/\/+$/, '')
}
