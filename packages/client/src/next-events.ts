/**
 * Tells a page that its session has ended elsewhere: on another device, in another tab, or while the page was in the back-forward
 * cache. The service confirms every end before the page hears of it, and an open page does not count as session activity.
 */
import { onSignedOut } from './browser.ts'
import { createEventStreamParser } from './event-stream.ts'
import { refusalOf } from './refusal.ts'

/** The service sends a heartbeat every 10 s. After this many milliseconds without one, the connection counts as lost. */
const SILENCE_MS = 25_000
/** Milliseconds before a reconnection, and the longest random addition: browsers must not reconnect all at once. */
const RECONNECT_MS = 3_000
const SPREAD_MS = 5_000

/** Calls `callback` once. @returns a function that stops listening. */
export function onSessionEnd(callback: () => unknown): () => void {
  const stopped = new AbortController()
  const { signal } = stopped
  const stop = onSignedOut(() => {
    stopped.abort()
    callback()
  })
  signal.addEventListener('abort', stop)
  void listenInOneTab(signal)
  return () => stopped.abort()
}

/** Browsers open at most six connections to a site on HTTP/1.1. Locks need https; without them, every page listens. */
async function listenInOneTab(signal: AbortSignal): Promise<void> {
  if (!navigator.locks) return keepListening(signal)
  await navigator.locks
    .request('global-logout events', { signal }, () => keepListening(signal))
    .catch(() => {})
}

async function keepListening(signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    if (await listen(signal).catch(() => false)) announce()
    await pause(RECONNECT_MS + SPREAD_MS * Math.random(), signal)
  }
}

/** @returns whether the session has ended, as soon as the service says so; false when the stream ends without it. */
async function listen(signal: AbortSignal): Promise<boolean> {
  const connection = new AbortController()
  const abort = () => connection.abort()
  signal.addEventListener('abort', abort)
  let silent = setTimeout(abort, SILENCE_MS)
  try {
    const answer = await fetch('/api/session/events', { cache: 'no-store', signal: connection.signal })
    if (await refusalOf(answer)) return true
    const stream = answer.ok ? answer.body?.getReader() : undefined
    const parse = createEventStreamParser()
    for (;;) {
      const { done, value } = (await stream?.read()) ?? { done: true }
      if (done || !value) return false
      clearTimeout(silent)
      silent = setTimeout(abort, SILENCE_MS)
      if (parse(value).some(({ type }) => type === 'ended')) return true
    }
  } finally {
    clearTimeout(silent)
    signal.removeEventListener('abort', abort)
    abort()
  }
}

/** All tabs hear it, this one included, because `onSignedOut` has a channel of its own. Each asks the service. */
function announce(): void {
  const channel = new BroadcastChannel('global-logout')
  channel.postMessage('signed out')
  channel.close()
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((over) => {
    const timer = setTimeout(over, ms)
    signal.addEventListener('abort', () => {
      clearTimeout(timer)
      over()
    })
  })
}
