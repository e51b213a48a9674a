/** The interface of load generators: their input and their results. */

export interface LoadOptions {
  url: string
  /** Cookie headers, one per line. */
  cookieFile: string
  seconds: number
  connections: number
  /** Milliseconds that a connection waits before each request, on average; by default none. */
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
