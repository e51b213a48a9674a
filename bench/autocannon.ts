/**
 * autocannon, in this process, if wrk is not installed. With the faster servers it is itself near its limit.
 */
import { readFile } from 'node:fs/promises'
import autocannon from 'autocannon'
import type { Load, LoadOptions } from './generator.ts'

export async function cannon({ url, cookieFile, seconds, connections, pauseMs }: LoadOptions): Promise<Load> {
  const cookies = (await readFile(cookieFile, 'utf8')).trim().split('\n')
  const result = await autocannon({
    url,
    duration: seconds,
    connections,
    ...(pauseMs && { overallRate: Math.round((connections * 1000) / pauseMs) }),
    requests: [
      {
        setupRequest: (request) => ({
          ...request,
          headers: { ...request.headers, cookie: cookies[Math.floor(Math.random() * cookies.length)] ?? '' },
        }),
      },
    ],
  })
  return {
    requests: result.requests.total,
    perSecond: result.requests.total / result.duration,
    p50Ms: result.latency.p50,
    p99Ms: result.latency.p99,
    failed: result.errors + result.timeouts + result.non2xx,
  }
}
