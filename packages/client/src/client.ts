/** The client of the session service. Needs only `fetch`: Node 22 and newer, edge runtimes, Deno, Bun. */
import { createAskCheck, createCheck } from './check.ts'
import { createExchange, type ExchangeOptions } from './exchange.ts'
import { createFollow } from './follow.ts'
import type { LeaseOptions } from './lease-options.ts'
import { createLeases } from './leases.ts'
import { createLogout } from './logout.ts'
import { createServices } from './services.ts'
import type { Sessions } from './sessions.ts'

export interface ClientOptions extends ExchangeOptions {
  /** A service key, required for everything but `check` and `logout`. Use it on servers only. */
  key?: string | undefined
  /**
   * `remote`, the default: each check asks the service. `leased`: checks are answered from memory under a lease, for a key with the scope
   * `leases`.
   */
  checks?: 'remote' | 'leased' | undefined
  /** Of leased checks. */
  leases?: LeaseOptions | undefined
}

export type Client = ReturnType<typeof createClient>

/**
 * @param options `url`: of the service, with its path if any; `timeoutMs`: limit for each call, including a retry, 2000 by
 * default; `fetch`: a replacement for the platform's.
 * @throws TypeError for an invalid option.
 */
export function createClient({ key, checks = 'remote', leases: leaseOptions, ...options }: ClientOptions) {
  if (checks !== 'remote' && checks !== 'leased') throw new TypeError('checks: must be remote or leased')
  const exchange = createExchange(options)
  const ask = createAskCheck(exchange)
  const leases = checks === 'leased' ? createLeases(exchange, key, ask, leaseOptions) : undefined
  return {
    ...createCheck(leases?.verdict ?? ((request) => ask(request))),
    ...createLogout(exchange),
    ...createServices(exchange, key),
    follow: createFollow(exchange, key),
    /** Gives the lease back, if there is one. From then on every check asks. */
    close: async (): Promise<void> => leases?.close(),
  } satisfies Sessions & Record<string, unknown>
}
