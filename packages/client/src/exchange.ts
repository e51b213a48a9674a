/**
 * One request and its answer, within one time limit. Redirects are not followed: an answer of somewhere else is no
 * answer, and a key must not travel on. Connections are kept alive by the platform's `fetch` (Node's does by itself).
 */
import { ServiceError } from './errors.ts'

export interface ExchangeOptions {
  url: string | URL
  timeoutMs?: number | undefined
  fetch?: typeof fetch | undefined
}

export type Exchange = ReturnType<typeof createExchange>

/** For requests that may be sent twice. A connection that was kept alive can end just when it is used again. */
export const REPEATABLE = { attempts: 2 }

/** In milliseconds; timers go no further. */
const LONGEST = 2 ** 31 - 1

export function createExchange({ url, timeoutMs = 2000, fetch: custom }: ExchangeOptions) {
  const base = baseOf(url)
  if (!Number.isInteger(timeoutMs) || timeoutMs < 1 || timeoutMs > LONGEST)
    throw new TypeError(`timeoutMs: must be a whole number of milliseconds from 1 to ${LONGEST}`)
  // Looked up at each call, so that whatever instruments the global fetch later sees these requests, too.
  const send: typeof fetch = custom ?? ((...request) => fetch(...request))

  return {
    /** The platform's fetch, with the rules above. `path` begins with a slash. */
    open: (path: string, init: RequestInit): Promise<Response> =>
      send(base + path, { ...init, redirect: 'manual', cache: 'no-store' }),

    /**
     * Sends, and hands the answer to `read` within the same time limit. A broken connection is tried once more where
     * `attempts` allows it; a time limit that was reached is not.
     * @throws whatever `fetch` throws.
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

/** In seconds; undefined for a header that is absent or holds a date. */
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
