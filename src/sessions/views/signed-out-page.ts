/** `/signed-out`: says that the user is signed out, on which devices, and why. */
import { html, type SafeHtml } from '@remix-run/html-template'
import type { Operation } from '../../operations/schema.ts'
import { on } from '../../ui/format.ts'
import { layout } from '../../ui/layout.ts'
import type { TokenStatus } from '../ended.ts'
import { nameOf } from './device.ts'
import { type Ended, endedNames, endedTitle } from './parts.ts'

export type SignedOut =
  /** This browser has just signed out. */
  | ({ by: 'you' } & Ended)
  /** The token of this browser is not valid, or there is none. */
  | { by: 'other'; status: TokenStatus | null }
  /** The browser sent two session cookies that differ; no session was ended. */
  | { by: 'two-cookies' }

export interface SignedOutPage {
  why: SignedOut
  signInPath: string | null
  /** Whether the browser script opened this page after a logout in another tab or on another device. */
  followed: boolean
}

export function signedOutPage({ why, signInPath, followed }: SignedOutPage): SafeHtml {
  const { sign, title, body } =
    why.by === 'you' ? done(why) : why.by === 'two-cookies' ? TWO_COOKIES : reason(why.status, followed)
  return layout({
    title: 'Signed out',
    card: sign,
    announce: !followed,
    body: html`
<h1>${title}</h1>
${body}
${
  signInPath
    ? html`<nav class="actions" aria-label="Continue"><a class="button primary" href="${signInPath}">Sign in</a></nav>`
    : html`<p class="quiet">To sign in again, go back to your application.</p>`
}`,
  })
}

type Message = { sign: 'done' | 'leave' | 'wait'; title: string; body: SafeHtml }

const TWO_COOKIES: Message = {
  sign: 'leave',
  title: 'You are not signed in',
  body: html`<p class="lead">Your browser sent two different session cookies. We removed both, and no session was ended.</p>
<p class="quiet">Please sign in again. You can then sign out everywhere.</p>`,
}

function done(ended: Ended): Message {
  const title = ended.operation.scope === 'global' ? 'You are signed out everywhere' : 'You are signed out'
  return { sign: 'done', title, body: html`<p class="lead">${endedTitle(ended)}:</p>${endedNames(ended)}` }
}

function reason(status: TokenStatus | null, followed: boolean): Message {
  const message = (sign: Message['sign'], lead: SafeHtml | string, more: SafeHtml | string = '') => ({
    sign,
    title: 'You are signed out',
    body: html`<p class="lead">${lead}</p>${more}`,
  })
  switch (status?.state) {
    case 'expired':
      return message('wait', 'Your session expired.')
    case 'idle':
      return message('wait', 'Your session expired because it was not used for a long time.')
    case 'revoked':
      return status.operation?.actorSessionId === status.sessionId
        ? message('done', ownLogout(status))
        : message('leave', remoteLogout(status), origin(status.operation))
    default:
      if (followed) return message('done', 'You were signed out in this browser.')
      return { ...message('leave', 'This browser has no session.'), title: 'You are not signed in' }
  }
}

/** This device signed out earlier. */
function ownLogout({ operation, revokedAt }: TokenStatus): SafeHtml {
  if (operation?.kind === 'session.replace')
    return html`You signed in again on this device${when(revokedAt)}.`
  return html`You signed out ${operation?.scope === 'global' ? 'everywhere' : 'on this device'}${when(revokedAt)}.`
}

function remoteLogout({ operation, revokedAt }: TokenStatus): SafeHtml {
  return html`You were signed out${operation?.scope === 'global' ? ' everywhere' : ''}${when(revokedAt)}.`
}

/**
 * Who signed the user out: staff, who are not named, or another device. The IP address is left out, because a thief of the
 * token may read this page.
 */
function origin(operation: Operation | undefined): SafeHtml {
  if (operation?.kind === 'user.revoke' || operation?.kind === 'incident.execute')
    return html`<p>Our security team signed you out, either just you or a group of users.</p>
<p class="quiet">You can sign in again unless your account is locked. If you did not expect this, contact the security team.</p>`
  if (!operation?.userAgent) return html``
  const stayed = operation.scope === 'others' ? ', which stayed signed in' : ''
  return html`<p>The sign-out was requested from <strong>${nameOf(operation)}</strong>${stayed}.</p>
<p class="quiet">If this was not you, sign in, check your devices, and secure the account that you sign in with.</p>`
}

function when(date: Date | undefined): SafeHtml | '' {
  return date ? html` on ${on(date)}` : ''
}
