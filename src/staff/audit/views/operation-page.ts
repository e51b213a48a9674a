/** `/admin/operation`: one operation in full, and the sessions it ended, in pages. */
import { html, type SafeHtml } from '@remix-run/html-template'
import { operationLabel } from '../../../operations/kinds.ts'
import type { Operation } from '../../../operations/schema.ts'
import { deviceIcon, nameOf } from '../../../sessions/views/device.ts'
import { count, stamp } from '../../../ui/format.ts'
import { ENGLISH } from '../../../ui/view.ts'
import type { DisplayNames } from '../../display-names.ts'
import { consolePage, type Viewer } from '../../views/frame.ts'
import { actor, quoted, userLink } from '../../views/parts.ts'
import type { OperationPage } from '../audit.ts'
import { planIdOf } from './entries.ts'

export interface OperationView {
  viewer: Viewer
  page: OperationPage
  /** Whether this is the first page of the sessions. */
  isFirst: boolean
  names: DisplayNames
}

/** The number comes from the operation: revocations are deleted after the retention period. */
function listHeading({ kind, revokedCount }: Operation): string {
  if (kind === 'incident.execute') return 'Ended sessions'
  return revokedCount === 0 ? 'No session ended' : `${count(revokedCount, 'session')} ended`
}

/** Explains which sessions are missing from the list. */
function listCaption({ operation, sessions, next }: OperationPage, isFirst: boolean): SafeHtml {
  const { kind, revokedCount, result } = operation
  const listed = sessions.length
  if (!isFirst) return html``
  if (next) return html`<p class="quiet">The first ${listed}, in the order in which they ended:</p>`
  const planId = (result as { planId?: unknown } | null)?.planId
  if (kind === 'incident.execute')
    return html`<p class="quiet">The total is in <a href="/admin/incidents/${String(planId)}">the incident report</a>.</p>`
  if (listed >= revokedCount) return html``
  const executed = (result as { operationId?: unknown } | null)?.operationId
  return kind === 'incident.finish' && typeof executed === 'string'
    ? html`<p class="quiet">They are listed on <a href="/admin/operation?id=${executed}">the page of its execution</a>.</p>`
    : html`<p class="quiet">The retention period of ${listed > 0 ? 'the others' : 'these sessions'} is over.</p>`
}

export function operationPage({ viewer, page, isFirst, names }: OperationView): SafeHtml {
  const { operation, sessions } = page
  const { id, at, userId, reason, ipAddress, userAgent, requestId, selection, result, waitedMs, erasedBy } =
    operation
  const what = operationLabel(operation.kind, operation.scope)
  const planId = planIdOf(operation)
  const fact = (label: string, value: SafeHtml | string | null) =>
    value === null
      ? html``
      : html`<dt>${label}</dt><dd>${value}</dd>
`
  const isEstimate = (of: object, name: string) =>
    'estimated' in of && of.estimated === true && ['sessions', 'users'].includes(name)
  const pairs = (value: object) =>
    Object.entries(value).map(
      ([
        name,
        one,
      ]) => html`<div>${name}${isEstimate(value, name) ? ' (an estimate)' : ''}: <code>${quoted(typeof one === 'string' ? one : JSON.stringify(one))}</code></div>
`,
    )

  return consolePage({
    title: what,
    viewer,
    section: 'audit',
    body: html`
<h1>${what}</h1>
<dl class="panel facts">
${fact('When', stamp(at))}${fact('By', actor(operation, names))}${fact('User', userId === null ? null : userLink(userId, names))}${fact('Reason', reason === null ? null : quoted(reason))}${fact('From', ipAddress)}${fact('With', userAgent === null ? null : html`${nameOf(ENGLISH, { userAgent })} <span class="quiet">${quoted(userAgent)}</span>`)}${fact('Incident', planId ? html`<a href="/admin/incidents/${planId}">${planId}</a>` : null)}${fact('Selection', selection && html`${pairs(selection)}`)}${fact('Result', result && html`${pairs(result)}`)}${fact('Waited', waitedMs === null ? null : `${waitedMs.toLocaleString('en')} ms, for instances with a cache (leases)`)}${fact('Request', requestId)}${fact('Erased', erasedBy === null ? null : html`A person was erased from this entry, by <a href="/admin/operation?id=${erasedBy}">this operation</a>.`)}${fact('Operation', html`<span class="id">${id}</span>`)}</dl>
<section aria-labelledby="sessions">
<div class="heading">
<h2 id="sessions">${listHeading(operation)}</h2>
${sessions.length > 0 ? html`<p><a href="/admin/operation.csv?id=${id}">Download as CSV</a></p>` : ''}
</div>
${listCaption(page, isFirst)}
${
  sessions.length > 0
    ? html`<ul class="panel rows" role="list">
${sessions.map(
  (session) => html`<li>${deviceIcon(session)}
<span>${userLink(session.userId, names)} · ${nameOf(ENGLISH, session)}${session.ipAddress ? html` <span class="address">· ${session.ipAddress}</span>` : ''}<br>
<span class="quiet">ended ${stamp(session.revokedAt)} · session <span class="id">${session.sessionId}</span></span></span></li>
`,
)}</ul>`
    : ''
}
${listPages(page, isFirst)}
</section>`,
  })
}

/** The way to the other pages of the sessions. */
function listPages({ operation: { id }, next }: OperationPage, isFirst: boolean): SafeHtml {
  if (isFirst && !next) return html``
  const href = `/admin/operation?id=${id}`
  return html`<nav class="actions" aria-label="Pages of sessions">
${isFirst ? '' : html`<a class="button" href="${href}">First</a>`}
${next ? html`<a class="button" rel="next" href="${href}&amp;cursor=${next}">Next</a>` : ''}
</nav>`
}
