/** What a person sees when something cannot be done, and what to do about it. */
import { html, type SafeHtml } from '@remix-run/html-template'
import type { ErrorCode } from '../errors.ts'
import { quoted } from './format.ts'
import { layout } from './layout.ts'

/** In words for people, where the words for callers would not help. Claims nothing that is not known. */
const WORDS: { [code in ErrorCode]?: { title: string; text: string } } = {
  not_staff: {
    title: 'This is for security staff',
    text: 'If it should be for you, too, ask for the role "security" or "auditor".',
  },
  not_found: {
    title: 'This page does not exist',
    text: 'The address may be mistyped, or the page may have moved.',
  },
  cross_origin: {
    title: 'Nothing was done',
    text: 'The request did not come from this site, or your browser did not say so. Open your devices and try it from there.',
  },
  unavailable: {
    title: 'We cannot check this right now',
    text: 'Our database does not answer, so nobody can say who is signed in. This request changed nothing.',
  },
  outcome_unknown: {
    title: 'We cannot tell whether it worked',
    text: 'The connection to our database broke before it confirmed. Please do it again; doing it twice does no harm.',
  },
  internal: {
    title: 'Something went wrong on our side',
    text: 'The request could not be completed. If it happens again, tell us the request number below.',
  },
}

export interface ProblemShown {
  status: number
  code: ErrorCode
  title: string
  detail: string
  requestId: string
  /** Whether it answers a form. */
  sent?: boolean
}

export function errorPage({ status, code, requestId, sent, ...given }: ProblemShown): SafeHtml {
  const { title, text } = WORDS[code] ?? { title: given.title, text: given.detail }
  const later = status >= 500
  return layout({
    title,
    card: later ? 'wait' : 'nothing',
    body: html`
<h1>${title}</h1>
<p class="lead">${quoted(text)}</p>
${later && sent ? html`<p>To send what you entered once more, reload this page.</p>` : ''}
<nav class="actions" aria-label="Continue">
${later ? html`<a class="button primary" href="">Try again</a>` : ''}
<a class="button${later ? '' : ' primary'}" href="/">Your devices</a>
</nav>
${later ? html`<p class="request">Request ${requestId}</p>` : ''}`,
  })
}
