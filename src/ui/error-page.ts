/**
 * The error page: what went wrong, and what the user can do about it. It shows no text for API clients, and does not say that the
 * user is signed in or out: an error does not tell.
 */
import { html, type SafeHtml } from '@remix-run/html-template'
import type { ErrorCode } from '../errors.ts'
import { backToApp, layout } from './layout.ts'
import type { MessageKey } from './messages/en.ts'
import type { PageView } from './view.ts'

interface Text {
  title: MessageKey
  text: MessageKey
}

const TEXTS: { [code in ErrorCode]?: Text } = {
  not_staff: { title: 'error.not-staff', text: 'error.not-staff.text' },
  not_found: { title: 'error.not-found', text: 'error.not-found.text' },
  cross_origin: { title: 'error.cross-origin', text: 'error.cross-origin.text' },
  unavailable: { title: 'error.unavailable', text: 'error.unavailable.text' },
  outcome_unknown: { title: 'error.unknown', text: 'error.unknown.text' },
}
const REFUSED: Text = { title: 'error.refused', text: 'error.refused.text' }
const INTERNAL: Text = { title: 'error.internal', text: 'error.internal.text' }

export interface ProblemShown {
  status: number
  code: ErrorCode
  requestId: string
  /** Whether the request submitted a form. */
  sent?: boolean
}

export function errorPage(view: PageView, { status, code, requestId, sent }: ProblemShown): SafeHtml {
  const { text, say } = view
  const later = status >= 500
  const shown = TEXTS[code] ?? (later ? INTERNAL : REFUSED)
  return layout({
    view,
    title: text(shown.title),
    card: later ? 'wait' : 'nothing',
    body: html`
<h1>${say(shown.title)}</h1>
<p class="lead">${say(shown.text)}</p>
${later && sent ? html`<p>${say('error.resend')}</p>` : ''}
<nav class="actions" aria-label="${text('frame.continue')}">
${later ? html`<a class="button primary" href="">${say('error.retry')}</a>` : ''}
<a class="button${later ? '' : ' primary'}" href="/devices">${say('devices.title')}</a>
${backToApp(view)}</nav>
${later ? html`<p class="request">${say('error.request', { id: requestId })}</p>` : ''}`,
  })
}
