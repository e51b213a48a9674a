/** `/admin/sessions`: who is signed in from an address, or with a program. */
import { html, type SafeHtml } from '@remix-run/html-template'
import { deviceIcon, nameOf } from '../../../sessions/views/device.ts'
import { ENGLISH } from '../../../ui/view.ts'
import { consolePage, type Viewer } from '../../views/frame.ts'
import { agent, ago, errorSummary, type FormErrors, field, quoted, userHref } from '../../views/parts.ts'
import type { SignedIn, SignedInPage } from '../signed-in.ts'

export interface SignedInView {
  viewer: Viewer
  entered: { ip?: string | undefined; userAgent?: string | undefined }
  errors: FormErrors
  /** Null without a question. */
  page: SignedInPage | null
  isFirst: boolean
}

export function signedInPage({ viewer, entered, errors, page, isFirst }: SignedInView): SafeHtml {
  return consolePage({
    title: 'Who is signed in',
    viewer,
    section: 'users',
    body: html`
<h1>Who is signed in?</h1>
${errorSummary(errors, { ip: 'Address or range', userAgent: 'User agent contains' })}
<form method="get" action="/admin/sessions" class="filters">
${input('ip', 'Address or range', 'Such as 203.0.113.0/24 or 2001:db8::/32', entered.ip, errors)}
${input('userAgent', 'User agent contains', 'In upper or lower case, such as Firefox/144', entered.userAgent, errors)}
<div class="actions"><button class="primary">Show sessions</button></div>
</form>
${page ? results(page, viewer, entered, isFirst) : ''}`,
  })
}

function input(
  name: string,
  label: string,
  hint: string,
  value: string | undefined,
  errors: FormErrors,
): SafeHtml {
  return field(
    {
      name,
      label,
      hint,
      control: (attributes) =>
        html`<input ${attributes} type="text" value="${value ?? ''}" autocomplete="off" autocapitalize="off" spellcheck="false" maxlength="512">`,
    },
    errors,
  )
}

function results(
  { sessions, next }: SignedInPage,
  { role }: Viewer,
  { ip, userAgent }: SignedInView['entered'],
  isFirst: boolean,
): SafeHtml {
  const asked = { ...(ip && { ip }), ...(userAgent && { userAgent }) }
  const planned = { ...(ip && { ipRange: ip }), ...(userAgent && { userAgent }) }
  if (sessions.length === 0)
    return html`<p class="empty" role="status">${isFirst ? 'No active session matches.' : 'No more sessions.'}</p>`
  const ends = role === 'security'
  const list = html`<h2>${next ? `${sessions.length} sessions, the latest sign-in first` : sessions.length === 1 ? '1 session' : `${sessions.length} sessions`}</h2>
<ul class="panel rows" role="list">
${sessions.map((one) => row(one, ends))}</ul>`
  const pages = html`<nav class="actions" aria-label="Pages of sessions">
${isFirst ? '' : html`<a class="button" href="/admin/sessions?${String(new URLSearchParams(asked))}">Latest</a>`}
${next ? html`<a class="button" rel="next" href="/admin/sessions?${String(new URLSearchParams({ ...asked, cursor: next }))}">Next</a>` : ''}
</nav>`
  if (!ends) return html`${list}${pages}`
  return html`<form method="get" action="/admin/incidents/new">
${list}
<div class="actions">
<button>Plan to end the ticked…</button>
<a class="button" href="/admin/incidents/new?${String(new URLSearchParams(planned))}">Plan to end all that match…</a>
</div>
</form>
${pages}`
}

function row({ session, name, email }: SignedIn, ends: boolean): SafeHtml {
  const facts = html`<span><a href="${userHref(session.userId)}">${quoted(name || email || session.userId)}</a>${name && email ? html` <span class="quiet">${quoted(email)}</span>` : ''}<br>
${nameOf(ENGLISH, session)}${session.ipAddress ? html` <span class="address">· ${session.ipAddress}</span>` : ''}<br>
<span class="quiet">signed in ${ago(session.createdAt)}, last seen ${ago(session.lastSeenAt)}</span>${agent(session.userAgent)}</span>`
  return html`<li>${ends ? html`<input type="checkbox" name="sessionIds" value="${session.id}" aria-label="Session of ${name || email || session.userId}, ${session.ipAddress ?? ''}">` : ''}${deviceIcon(session)}
${facts}</li>
`
}
