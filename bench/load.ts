/** Load on one URL, with cookies picked at random. */
import { cannon } from './autocannon.ts'
import { wrk, wrkVersion } from './wrk.ts'

export interface LoadOptions {
  url: string
  /** Cookie headers, one a line. */
  cookieFile: string
  seconds: number
  connections: number
  /** Milliseconds that a connection waits before each request, on average; without it there is no wait. */
  pauseMs?: number
}

export interface Load {
  requests: number
  perSecond: number
  p50Ms: number
  p99Ms: number
  /** Requests without an answer, or answered with an error. */
  failed: number
}

const version = await wrkVersion()
export const generator = version ?? 'autocannon'

/** @throws Error when any request failed: such a figure would measure something else. */
export async function load(options: LoadOptions): Promise<Load> {
  const result = await (version ? wrk : cannon)(options)
  if (result.failed > 0) throw new Error(`${result.failed} of ${result.requests} requests failed`)
  return result
}
