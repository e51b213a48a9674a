/** wrk, if installed: the load generator that takes the least CPU from the measured server. */
import { fileURLToPath } from 'node:url'
import type { Load, LoadOptions } from './generator.ts'
import { run } from './processes.ts'

const script = fileURLToPath(new URL('wrk.lua', import.meta.url))

/** The version that `wrk --version` prints, or null if it is not installed. It exits with 1 even so. */
export function wrkVersion(): Promise<string | null> {
  return run('wrk', ['--version']).then(firstWords, (error) => firstWords(error.stdout ?? ''))
}

const firstWords = (text: string) => /^wrk \S+/.exec(text)?.[0] ?? null

export async function wrk({ url, cookieFile, seconds, connections, pauseMs }: LoadOptions): Promise<Load> {
  const env = { COOKIES: cookieFile, ...(pauseMs && { PAUSE_MS: String(pauseMs) }) }
  return parseWrk(
    await run('wrk', ['-t1', `-c${connections}`, `-d${seconds}s`, '-T10s', '-s', script, url], env),
  )
}

/** Reads the line that wrk.lua writes at the end. */
export function parseWrk(output: string): Load {
  const line = output.split('\n').findLast((text) => text.startsWith('{'))
  if (!line) throw new Error(`wrk printed no result:\n${output}`)
  const { requests, microseconds, p50, p99, failed } = JSON.parse(line)
  return {
    requests,
    perSecond: requests / (microseconds / 1e6),
    p50Ms: p50 / 1000,
    p99Ms: p99 / 1000,
    failed,
  }
}
