/**
 * Logging out from a page of your own, on the origin that also routes `/api/logout` and `/api/session` to the service, and
 * `/signed-out` and `/assets/` unless a `callbackUrl` leads elsewhere.
 * Nothing is cleared, told or left before the service has answered that it is done.
 */
import { refusalOf } from './refusal.ts'

export type LogoutScope = 'local' | 'others' | 'global'

/** What to clear once this browser is signed out: a storage of this origin, or a function of yours. */
export type Clearing = 'sessionStorage' | 'localStorage' | 'caches' | (() => unknown)

export interface LogoutOptions {
  /** This device (`local`, the default), all others, or all of them. */
  scope?: LogoutScope
  /** Asks the person; by default with `window.confirm`. `() => true` where your page has asked already. */
  confirm?: (question: string) => boolean | Promise<boolean>
  /** Not for `others`, which leaves this browser signed in. */
  clear?: readonly Clearing[]
  /** Where to go afterwards: this site, or an origin of the service's `ALLOWED_REDIRECTS`. */
  callbackUrl?: string
}

/** It was not done, as far as is known: nothing was cleared, and the person is to be told so. */
export class NotSignedOutError extends Error {
  /** HTTP status; 503 when no answer came. With 401 there is no session left to do it with: sign in again. */
  readonly status: number
  /** A code of the service's table of errors, or `no_answer`. */
  readonly code: string

  constructor(status: number, code: string, detail: string, cause?: unknown) {
    super(`Not signed out: ${detail}`, cause === undefined ? undefined : { cause })
    this.name = 'NotSignedOutError'
    this.status = status
    this.code = code
  }
}

const QUESTIONS: Record<LogoutScope, string> = {
  local: 'Sign out on this device?',
  others: 'Sign out on all other devices?',
  global: 'Sign out on all devices, this one included?',
}
/** In milliseconds. A logout of very many sessions takes some seconds. */
const PATIENCE = 20_000
/** The channel and the message of the service's own pages. */
const SIGNED_OUT = 'signed out'
let tabs: BroadcastChannel | undefined

/**
 * Asks, logs out, tells the other tabs, clears, and leaves the page.
 * @returns false when the person said no; after true, the page is being left.
 * @throws NotSignedOutError unless the service has answered that it is done.
 */
export async function logout(options: LogoutOptions = {}): Promise<boolean> {
  const {
    scope = 'local',
    confirm = (question) => window.confirm(question),
    clear = [],
    callbackUrl,
  } = options
  if (!(await confirm(QUESTIONS[scope]))) return false
  const redirect = await endSessions(scope, callbackUrl)
  channel().postMessage(SIGNED_OUT)
  if (scope !== 'others') await clearAll(clear)
  location.replace(redirect)
  return true
}

/**
 * Calls back, once, when this browser was signed out in another tab, or while this page lay in the back-forward cache.
 * The other tab's word is not enough: the service is asked, and what it cannot decide is not told.
 * @returns what ends it.
 */
export function onSignedOut(callback: () => unknown): () => void {
  const over = new AbortController()
  const { signal } = over
  const ask = async () => {
    const answer = await fetch('/api/session', { cache: 'no-store' }).catch(() => null)
    const isOver = answer && (await refusalOf(answer).catch(() => undefined))
    // Several may tell of one logout, as the page does that it leads to.
    if (!isOver || signal.aborted) return
    over.abort()
    callback()
  }
  channel().addEventListener('message', ({ data }) => data === SIGNED_OUT && ask(), { signal })
  addEventListener('pageshow', ({ persisted }) => persisted && ask(), { signal })
  return () => over.abort()
}

/** One for the page: a channel does not hear itself, so that the tab that logs out is not told about it. */
function channel(): BroadcastChannel {
  tabs ??= new BroadcastChannel('global-logout')
  return tabs
}

/** @returns where to go. */
async function endSessions(scope: LogoutScope, callbackUrl: string | undefined): Promise<string> {
  const response = await fetch('/api/logout', {
    method: 'POST',
    credentials: 'same-origin',
    redirect: 'error',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ scope, callbackUrl }),
    signal: AbortSignal.timeout(PATIENCE),
  }).catch((cause) => {
    throw new NotSignedOutError(503, 'no_answer', 'no answer came. Try again.', cause)
  })
  const body = await response.json().catch(() => null)
  // A server that answers every address with the same page says 200, too.
  if (response.status === 200 && body?.scope === scope && typeof body.redirect === 'string')
    return body.redirect
  if (typeof body?.code !== 'string')
    throw new NotSignedOutError(503, 'no_answer', 'the answer could not be understood. Try again.')
  throw new NotSignedOutError(response.status, body.code, String(body.detail))
}

/** What fails to clear is reported to the page (`error` event), and keeps nobody on it. */
async function clearAll(clear: readonly Clearing[]): Promise<void> {
  const cleared = await Promise.allSettled(
    clear.map(async (what) => {
      if (typeof what === 'function') await what()
      else if (what === 'caches') for (const name of await caches.keys()) await caches.delete(name)
      else window[what].clear()
    }),
  )
  for (const result of cleared) if (result.status === 'rejected') reportError(result.reason)
}
