/** The client of the session service. Needs only `fetch`: Node 22 and newer, edge runtimes, Deno, Bun. */
import { createCheck } from './check.ts'
import { createExchange, type ExchangeOptions } from './exchange.ts'
import { createFollow } from './follow.ts'
import { createLogout } from './logout.ts'
import { createServices } from './services.ts'
import type { Sessions } from './sessions.ts'

export interface ClientOptions extends ExchangeOptions {
  /** A service key, required for everything but `check` and `logout`. Use it on servers only. */
  key?: string | undefined
}

export type Client = ReturnType<typeof createClient>

/**
 * @param options `url`: of the service, with its path if any; `timeoutMs`: limit for each call, including a retry, 2000 by
 * default; `fetch`: a replacement for the platform's.
 * @throws TypeError for an invalid `url` or `timeoutMs`.
 */
export function createClient({ key, ...options }: ClientOptions) {
  const exchange = createExchange(options)
  return {
    ...createCheck(exchange),
    ...createLogout(exchange),
    ...createServices(exchange, key),
    follow: createFollow(exchange, key),
  } satisfies Sessions & Record<string, unknown>
}
