/** The error page: what went wrong, and what the user can do about it. */
import { html, type SafeHtml } from '@remix-run/html-template'
import type { ErrorCode } from '../errors.ts'
import { quoted } from './format.ts'
import { layout } from './layout.ts'

/** Texts for users, where the texts for API clients would not help. None says that the user is signed in or out: an error does not tell. */
const TEXTS: { [code in ErrorCode]?: { title: string; text: string } } = {
  not_staff: {
    title: 'This is for security staff',
    text: 'If you need access, ask an administrator for the role "security" or "auditor".',
  },
  not_found: {
    title: 'This page does not exist',
    text: 'Check the address. The page may have moved.',
  },
  cross_origin: {
    title: 'Request refused',
    text: 'We could not confirm that this request came from this site. It changed nothing. Open your devices and try again from there.',
  },
  unavailable: {
    title: 'Please try again in a moment',
    text: 'Something is temporarily unavailable on our side. This request changed nothing.',
  },
  outcome_unknown: {
    title: 'We do not know whether it worked',
    text: 'We lost the connection to our database before it confirmed your request. Please try again; repeating the request does no harm.',
  },
  internal: {
    title: 'Something went wrong on our side',
    text: 'We could not complete your request. If this happens again, contact us with the request number below.',
  },
}

export interface ProblemShown {
  status: number
  code: ErrorCode
  title: string
  detail: string
  requestId: string
  /** Whether the request submitted a form. */
  sent?: boolean
}

export function errorPage({ status, code, requestId, sent, ...given }: ProblemShown): SafeHtml {
  const { title, text } = TEXTS[code] ?? { title: given.title, text: given.detail }
  const later = status >= 500
  return layout({
    title,
    card: later ? 'wait' : 'nothing',
    body: html`
<h1>${title}</h1>
<p class="lead">${quoted(text)}</p>
${later && sent ? html`<p>To submit the form again, reload this page.</p>` : ''}
<nav class="actions" aria-label="Continue">
${later ? html`<a class="button primary" href="">Try again</a>` : ''}
<a class="button${later ? '' : ' primary'}" href="/devices">Your devices</a>
</nav>
${later ? html`<p class="request">Request ${requestId}</p>` : ''}`,
  })
}
