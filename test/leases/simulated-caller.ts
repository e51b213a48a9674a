/**
 * Callers that answer checks from their own memory, under a lease from an instance. One is a service elsewhere: the client that is
 * published. The other is a worker of the instance's machine: its real cache and checker, which read the database themselves.
 */
import { createAskCheck } from '../../packages/client/src/check.ts'
import type { Exchange } from '../../packages/client/src/exchange.ts'
import { createLeases } from '../../packages/client/src/leases.ts'
import { createSessionCache } from '../../src/check/cache.ts'
import { leasedChecker } from '../../src/check/checker.ts'
import { partOfMachineLease } from '../../src/check/holding.ts'
import { readTokens } from '../../src/check/queries.ts'
import { createCalls } from '../../src/database/database.ts'
import { hashToken } from '../../src/database/token-hash.ts'
import type { RequestLease } from '../../src/leases/caller.ts'
import { createFence } from '../../src/leases/fence.ts'
import type { Lender, LoanRequest } from '../../src/leases/lender.ts'
import type { Cursor } from '../../src/leases/messages.ts'
import type { Time } from '../../src/lib/sleep.ts'

/** What an instance answers to a check. */
export interface Answer {
  valid: boolean
  /** What the instance had applied before it read. */
  readAfter: Cursor | null
  /** How long the session lives, in milliseconds on the clock of the instance. */
  leftMs: number
}

/** What a worker asks of its instance. */
export interface Requests {
  request: RequestLease
  leave: (caller: string) => void
}

export function simulatedWorker(
  time: Time,
  requests: Requests,
  connections: Parameters<typeof createCalls>[0]['connections'],
  deadlineMs: number,
  sessions: number,
) {
  const cache = createSessionCache(sessions)
  const fence = createFence()
  const checks = createCalls({ connections, statements: null, deadlineMs, fence })
  const checker = leasedChecker(
    (hashes) => readTokens(checks.query, hashes),
    { record: () => {} },
    cache,
    time,
  )
  let hint = () => {}
  const onHint = (onHint: () => void) => {
    hint = onHint
  }
  // No caller asks a worker here.
  const lend = async () => ({ refused: 'no_lease', retryMs: 0 }) as const
  const holder = partOfMachineLease({ ...requests, onHint, lend }, cache, time).keep({
    leased: (server) => fence.open({ server, holds: () => cache.holds(time.clock()) }),
    lost: (error) => fence.close(error),
  })
  return {
    counts: checker.counts,
    hint: () => hint(),
    close: holder.close,
    check: async (token: string) => (await checker.check(token)).valid,
  }
}

/** An instance behind a network. */
export interface Network {
  lend: Lender['lend']
  check(token: string): Promise<Answer>
}

/** What the client reads of a response. */
const response = (status: number, headers: Record<string, string>, body: object = {}) =>
  ({
    status,
    headers: new Headers(headers),
    json: async () => body,
    text: async () => JSON.stringify(body),
    arrayBuffer: async () => new ArrayBuffer(0),
  }) as unknown as Response

/** As the service refuses a request. */
function problem(status: number, code: string, retryMs = 0) {
  const headers = {
    'content-type': 'application/problem+json',
    'retry-after': String(Math.ceil(retryMs / 1000)),
  }
  return response(status, headers, { type: `urn:global-logout:problem:${code}`, code, detail: code })
}

/** The client that is published, on a network that is simulated. */
export function simulatedCaller(time: Time, network: Network) {
  const counts = { hits: 0 }

  async function lend(body: LoanRequest): Promise<Response> {
    const lent = await network.lend({ ...body, key: 'shop' })
    if (lent === 'left') return response(204, {})
    if (!('refused' in lent)) return response(200, {}, { ...lent, caller: body.caller, cookies: [] })
    return problem(lent.refused === 'other_instance' ? 409 : 503, lent.refused, lent.retryMs || 1000)
  }

  async function check(token: string): Promise<Response> {
    const { valid, readAfter, leftMs } = await network.check(token)
    if (!valid) return problem(401, 'invalid_token')
    const lifetime = { seconds: Math.floor(leftMs / 1000), touch: 60, passive: 60, interval: 60 }
    const lease = { token: hashToken(token), ...readAfter, ...lifetime }
    const dates = { 'x-session-created': '1795000000', 'x-session-expires': '1795600000' }
    const identity = { 'x-user-id': 'ada', 'x-session-id': token, ...dates }
    return response(200, { ...identity, 'x-session-lease': JSON.stringify(lease) })
  }

  const exchange: Exchange = {
    open: (_path, { body, signal }) =>
      new Promise((resolve, reject) => {
        signal?.addEventListener('abort', () => reject(signal.reason))
        if (signal?.aborted) reject(signal.reason)
        else lend(JSON.parse(String(body))).then(resolve, reject)
      }),
    ask: async (_path, { headers }, read) => read(await check(tokenOf(headers as Record<string, string>))),
  }
  const ask = createAskCheck(exchange)
  const leases = createLeases(exchange, 'key', ask, { onError: () => {} }, { ...time, hash: hashToken })
  // It asks for a lease with its first check.
  void leases.verdict({ headers: {} })

  return {
    counts,
    hint: () => {},
    close: leases.close,
    async check(token: string): Promise<boolean> {
      const verdict = leases.verdict({ headers: { authorization: `Bearer ${token}` } })
      if (!(verdict instanceof Promise)) counts.hits++
      return (await verdict).identity !== null
    },
  }
}

const tokenOf = ({ authorization = '' }: Record<string, string>) => authorization.slice('Bearer '.length)
