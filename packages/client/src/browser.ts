/**
 * Sign-out from a page of your own. Its origin must route `/api/logout` and `/api/session` to the service; without a
 * `callbackUrl` also `/signed-out` and `/assets/`. The page clears data, notifies other tabs and leaves only after the
 * service has confirmed the sign-out.
 */
import { refusalOf } from './refusal.ts'

export type LogoutScope = 'local' | 'others' | 'global'

/** What to clear after this browser is signed out: a storage of this origin, or your own function. */
export type Clearing = 'sessionStorage' | 'localStorage' | 'caches' | (() => unknown)

export interface LogoutOptions {
  /** This device (`local`, the default), all other devices, or all devices. */
  scope?: LogoutScope
  /** Asks the user to confirm. Default: `window.confirm`. Pass `() => true` if your page has already asked. */
  confirm?: (question: string) => boolean | Promise<boolean>
  /** What to clear. Ignored for `others`, because this browser stays signed in. */
  clear?: readonly Clearing[]
  /** Where to go afterwards: this site, or an origin of the service's `ALLOWED_REDIRECTS`. */
  callbackUrl?: string
}

/** The sign-out is not confirmed. Nothing was cleared; tell the user that they may still be signed in. */
export class NotSignedOutError extends Error {
  /** HTTP status; 503 without an answer. 401: the session is not valid any more, so the user must sign in again. */
  readonly status: number
  /** An error code of the service, or `no_answer`. */
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
/** Timeout in milliseconds. A logout of very many sessions takes some seconds. */
const TIMEOUT_MS = 20_000
/** The message that the service's own pages send too. */
const SIGNED_OUT = 'signed out'
let tabs: BroadcastChannel | undefined

/**
 * Asks the user, signs out, notifies the other tabs, clears data, and leaves the page.
 * @returns false when the user declined; true when the page is about to leave.
 * @throws NotSignedOutError unless the service has confirmed the sign-out.
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
 * Calls `callback` once when this browser was signed out in another tab, or while this page was in the back-forward cache.
 * It verifies the sign-out with the service first; an undecided answer is ignored.
 * @returns a function that stops listening.
 */
export function onSignedOut(callback: () => unknown): () => void {
  const stopped = new AbortController()
  const { signal } = stopped
  const verify = async () => {
    const answer = await fetch('/api/session', { cache: 'no-store' }).catch(() => null)
    const isOver = answer && (await refusalOf(answer).catch(() => undefined))
    // One logout can cause several messages, for example from the page it redirects to.
    if (!isOver || signal.aborted) return
    stopped.abort()
    callback()
  }
  channel().addEventListener('message', ({ data }) => data === SIGNED_OUT && verify(), { signal })
  addEventListener('pageshow', ({ persisted }) => persisted && verify(), { signal })
  return () => stopped.abort()
}

/** One channel for the page: a channel does not receive its own messages, so the tab that signs out is not notified. */
function channel(): BroadcastChannel {
  tabs ??= new BroadcastChannel('global-logout')
  return tabs
}

/** @returns the URL to go to. */
async function endSessions(scope: LogoutScope, callbackUrl: string | undefined): Promise<string> {
  const response = await fetch('/api/logout', {
    method: 'POST',
    credentials: 'same-origin',
    redirect: 'error',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ scope, callbackUrl }),
    signal: AbortSignal.timeout(TIMEOUT_MS),
  }).catch((cause) => {
    throw new NotSignedOutError(503, 'no_answer', 'the service did not answer. Try again.', cause)
  })
  const body = await response.json().catch(() => null)
  // A server that answers every path with the same page also sends 200.
  if (response.status === 200 && body?.scope === scope && typeof body.redirect === 'string')
    return body.redirect
  if (typeof body?.code !== 'string')
    throw new NotSignedOutError(503, 'no_answer', 'the answer is not from the service. Try again.')
  throw new NotSignedOutError(response.status, body.code, String(body.detail))
}

/** Reports a failure to clear as an `error` event; the page leaves anyway. */
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
