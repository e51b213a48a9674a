/** `/signed-out`: says that the user is signed out, on which devices, and why. */
import { html, type SafeHtml } from '@remix-run/html-template'
import type { OperationKind } from '../../operations/kinds.ts'
import type { Operation } from '../../operations/schema.ts'
import { appOf, layout } from '../../ui/layout.ts'
import type { MessageKey } from '../../ui/messages/en.ts'
import type { PageView, View } from '../../ui/view.ts'
import type { TokenStatus } from '../ended.ts'
import { nameOf } from './device.ts'
import { type Ended, endedNames, endedTitle, waysOn } from './parts.ts'

export type SignedOut =
  /** This browser has just signed out. */
  | ({ by: 'you' } & Ended)
  /** The token of this browser is not valid, or there is none. */
  | { by: 'other'; status: TokenStatus | null }
  /** The browser sent two session cookies that differ; no session was ended. */
  | { by: 'two-cookies' }

export interface SignedOutPage {
  view: PageView
  why: SignedOut
  /** The sign-in page, with the way back; null when it is not known. */
  signInHref: string | null
  /** Whether the browser script opened this page after a logout in another tab or on another device. */
  followed: boolean
}

export function signedOutPage({ view, why, signInHref, followed }: SignedOutPage): SafeHtml {
  const { text, say, site } = view
  const { sign, title, body } = messageFor(view, why, followed)
  return layout({
    view,
    title: text('signed-out.page'),
    card: sign,
    announce: !followed,
    body: html`
<h1>${say(title)}</h1>
${body}
${signInHref || site.url ? '' : html`<p class="quiet">${say('signed-out.back', appOf(site))}</p>`}
${waysOn(view, signInHref)}`,
  })
}

interface Message {
  sign: 'done' | 'leave' | 'wait'
  title: MessageKey
  body: SafeHtml
}

function messageFor(view: View, why: SignedOut, followed: boolean): Message {
  if (why.by === 'you') return done(view, why)
  if (why.by === 'other') return reason(view, why.status, followed)
  const advice = html`<p class="quiet">${view.say('signed-out.two-cookies.advice')}</p>`
  return message('leave', view.say('signed-out.two-cookies'), advice, 'signed-out.none')
}

function message(
  sign: Message['sign'],
  lead: SafeHtml,
  more = html``,
  title: MessageKey = 'signed-out.title',
): Message {
  return { sign, title, body: html`<p class="lead">${lead}</p>${more}` }
}

function done(view: View, ended: Ended): Message {
  const title = ended.operation.scope === 'global' ? 'signed-out.everywhere' : 'signed-out.title'
  const lead = view.say('signed-out.ended', { title: endedTitle(view, ended) })
  return message('done', lead, endedNames(view, ended), title)
}

function reason(view: View, status: TokenStatus | null, followed: boolean): Message {
  const { say } = view
  if (status?.state === 'expired') return message('wait', say('signed-out.expired'))
  if (status?.state === 'idle') return message('wait', say('signed-out.idle'))
  if (status?.state === 'revoked' && status.revokedAt) {
    const { operation, revokedAt, sessionId } = status
    const when = view.on(revokedAt)
    const scope = operation?.scope ?? 'local'
    if (operation?.actorSessionId !== sessionId)
      return message('leave', say('signed-out.remote', { scope, when }), origin(view, operation))
    if (operation?.kind === 'session.replace') return message('done', say('signed-out.again', { when }))
    return message('done', say('signed-out.own', { scope, when }))
  }
  if (followed) return message('done', say('signed-out.followed'))
  // Revocations are kept longer than any session lives: one that is in neither table has expired, and its row was swept.
  if (status?.state === 'unknown') return message('wait', say('signed-out.expired'))
  return message('leave', say('signed-out.no-session'), html``, 'signed-out.none')
}

const BY_STAFF: OperationKind[] = ['session.revoke', 'user.revoke', 'incident.execute']

/**
 * Who signed the user out: staff, who are not named, or another device. The IP address is left out, because a thief of the
 * token may read this page.
 */
function origin(view: View, operation: Operation | undefined): SafeHtml {
  const { say } = view
  if (operation && BY_STAFF.includes(operation.kind))
    return html`<p>${say('signed-out.staff')}</p>
<p class="quiet">${say('signed-out.staff.advice')}</p>`
  if (!operation?.userAgent) return html``
  const stayed = operation.scope === 'others'
  const device = nameOf(view, operation)
  return html`<p>${say(stayed ? 'signed-out.origin.stayed' : 'signed-out.origin', { device })}</p>
<p class="quiet">${say('signed-out.origin.advice')}</p>`
}
