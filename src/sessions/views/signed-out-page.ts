/** `/signed-out`: says that it is done, what was ended, and why. */
import { html, type SafeHtml } from '@remix-run/html-template'
import type { Operation } from '../../operations/schema.ts'
import { on } from '../../ui/format.ts'
import { layout } from '../../ui/layout.ts'
import type { TokenStatus } from '../queries.ts'
import { nameOf } from './device.ts'
import { type Ended, endedNames, endedTitle } from './parts.ts'

export type SignedOut =
  /** This browser has just asked for it. */
  | ({ by: 'you' } & Ended)
  /** Its token is over, or it has none. */
  | { by: 'other'; status: TokenStatus | null }
  /** It sent two session cookies that differ; nothing was ended. */
  | { by: 'nobody' }

export interface SignedOutPage {
  why: SignedOut
  signInPath: string | null
  /** The browser script led here, because another tab or the service had told of a logout. */
  followed: boolean
}

export function signedOutPage({ why, signInPath, followed }: SignedOutPage): SafeHtml {
  const { sign, title, body } =
    why.by === 'you' ? done(why) : why.by === 'nobody' ? TWO_COOKIES : reason(why.status, followed)
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
  body: html`<p class="lead">This browser sent two different session cookies. Both were removed from it; no session was ended.</p>
<p class="quiet">Sign in again. If you wanted to sign out everywhere, do it then.</p>`,
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
      return message('wait', 'Your session had reached its end.')
    case 'idle':
      return message('wait', 'Your session was not used for a long time.')
    case 'revoked':
      return status.operation?.actorSessionId === status.sessionId
        ? message('done', ownAct(status))
        : message('leave', actOfAnother(status), origin(status.operation))
    default:
      if (followed) return message('done', 'You were signed out in this browser.')
      return { ...message('leave', 'There is no session in this browser.'), title: 'You are not signed in' }
  }
}

/** This device asked for it, some time ago. */
function ownAct({ operation, revokedAt }: TokenStatus): SafeHtml {
  if (operation?.kind === 'session.replace')
    return html`You signed in again on this device${when(revokedAt)}.`
  return html`You signed out ${operation?.scope === 'global' ? 'everywhere' : 'on this device'}${when(revokedAt)}.`
}

function actOfAnother({ operation, revokedAt }: TokenStatus): SafeHtml {
  return html`You were signed out${operation?.scope === 'global' ? ' everywhere' : ''}${when(revokedAt)}.`
}

/** Who did it: staff, who are not named, or which device. Its address stays out: whoever stole a token may be reading. */
function origin(operation: Operation | undefined): SafeHtml {
  if (operation?.kind === 'user.revoke' || operation?.kind === 'incident.execute')
    return html`<p>It was done by those who look after security, for your account or for many at once.</p>
<p class="quiet">You can sign in again, unless they have locked your account for now. If you did not expect this, ask them.</p>`
  if (!operation?.userAgent) return html``
  const stayed = operation.scope === 'others' ? ', which stayed signed in' : ''
  return html`<p>It was done from <strong>${nameOf(operation)}</strong>${stayed}.</p>
<p class="quiet">If this was not you, sign in, check your devices and secure the account you sign in with.</p>`
}

function when(date: Date | undefined): SafeHtml | '' {
  return date ? html` on ${on(date)}` : ''
}
