/** What a load generator is asked, and what it measures. */

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
