/** `/admin/user/end`: before some sessions of a user end, the list of them and the reason. */
import { html, type SafeHtml } from '@remix-run/html-template'
import type { Session } from '../../../sessions/schema.ts'
import { deviceIcon } from '../../../sessions/views/device.ts'
import { count } from '../../../ui/format.ts'
import { consolePage, type Viewer } from '../../views/frame.ts'
import {
  emailAndId,
  errorSummary,
  type FormErrors,
  idQuery,
  quoted,
  reasonField,
  userHref,
} from '../../views/parts.ts'
import { oldSignInWarning } from '../../views/retry-page.ts'
import type { FoundUser } from '../queries.ts'
import { sessionFacts } from './session-facts.ts'

export interface EndPage {
  viewer: Viewer
  user: FoundUser
  /** Those of the chosen sessions that are active. */
  sessions: Session[]
  /** How many were chosen. */
  chosen: number
  isRecent: boolean
  entered: { reason?: string | undefined }
  errors: FormErrors
}

export function endPage({ viewer, user, sessions, chosen, isRecent, entered, errors }: EndPage): SafeHtml {
  const name = user.name || user.email || user.id
  const title = sessions.length === 0 ? 'No session to end' : `End ${count(sessions.length, 'session')} of`
  const own = sessions.some(({ id }) => id === viewer.session.id)
  return consolePage({
    title: sessions.length === 0 ? title : `${title} ${name}`,
    viewer,
    section: 'users',
    card: 'leave',
    body: html`
<h1>${sessions.length === 0 ? title : html`${title} ${quoted(name)}`}</h1>
<p class="quiet">${emailAndId(user)}</p>
${errorSummary(errors, { reason: 'Reason' })}
${own ? html`<p class="warn"><strong>One of them is yours.</strong> You will be signed out here, too.</p>` : ''}
${sessions.length === 0 ? nothing(chosen) : confirmation()}`,
  })

  function nothing(n: number): SafeHtml {
    return html`<p class="lead">${n === 0 ? 'Tick the sessions on the page of the user, then choose again.' : 'What you chose has ended meanwhile.'}</p>
<nav class="actions" aria-label="Continue"><a class="button primary" href="${userHref(user.id)}">Back to the user</a></nav>`
  }

  function confirmation(): SafeHtml {
    return html`<p class="lead">${sessions.length === 1 ? 'This session ends' : 'These sessions end'} on every instance. The other sessions of this user stay, and the user may sign in again.</p>
${sessions.length < chosen ? html`<p class="quiet">${count(chosen - sessions.length, 'other')} that you chose ended meanwhile.</p>` : ''}
<ul class="rows" role="list">
${sessions.map(
  (session) => html`<li>${deviceIcon(session)}<span>${sessionFacts(session)}</span></li>
`,
)}</ul>
${oldSignInWarning(isRecent, viewer)}
<form method="post" action="/admin/user/end?${idQuery(user.id)}">
${sessions.map(
  ({ id }) => html`<input type="hidden" name="session" value="${id}">
`,
)}${reasonField(entered.reason, errors)}
<div class="actions">
<button class="danger">End ${count(sessions.length, 'session')}</button>
<a class="button" href="${userHref(user.id)}">Cancel</a>
</div>
</form>`
  }
}
