/**
 * The client of the session service. Needs nothing but the platform's `fetch`, and runs where that is: Node 22 and newer,
 * edge runtimes, Deno, Bun.
 */
import { createCheck } from './check.ts'
import { createExchange, type ExchangeOptions } from './exchange.ts'
import { createFollow } from './follow.ts'
import { createServices } from './services.ts'

export interface ClientOptions extends ExchangeOptions {
  /** A service key, for everything but `check`. It belongs on servers only. */
  key?: string | undefined
}

export type Client = ReturnType<typeof createClient>

/**
 * @param options `url`: of the service, with a path if it has one; `timeoutMs`: for each question as a whole, 2000 by
 * default; `fetch`: another than the platform's.
 * @throws TypeError for a `url` or `timeoutMs` that cannot be meant.
 */
export function createClient({ key, ...options }: ClientOptions) {
  const exchange = createExchange(options)
  return {
    ...createCheck(exchange),
    ...createServices(exchange, key),
    follow: createFollow(exchange, key),
  }
}
