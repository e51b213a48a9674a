/** `/admin/operation`: one entry of the audit in full, and the sessions it ended. */
import { html, type SafeHtml } from '@remix-run/html-template'
import type { Names } from '../../storage/people.ts'
import type { RevokedSession } from '../../storage/schema.ts'
import type { Operation } from '../../storage/staff-schema.ts'
import { deviceIcon } from '../icons.ts'
import { count, nameOf, stamp } from '../words.ts'
import { consolePage, type Viewer } from './frame.ts'
import { actOf, actor, planIdOf, quoted, userLink } from './parts.ts'

export interface OperationPage {
  viewer: Viewer
  operation: Operation
  revoked: RevokedSession[]
  /** As many are listed at most. */
  most: number
  names: Names
}

export function operationPage({ viewer, operation, revoked, most, names }: OperationPage): SafeHtml {
  const { id, at, userId, reason, ipAddress, userAgent, requestId, selection, result, waitedMs } = operation
  const what = actOf(operation)
  const planId = planIdOf(operation)
  const fact = (label: string, value: SafeHtml | string | null) =>
    value === null
      ? html``
      : html`<dt>${label}</dt><dd>${value}</dd>
`
  const pairs = (value: object) =>
    Object.entries(value).map(
      ([
        name,
        one,
      ]) => html`<div>${name}: <code>${typeof one === 'string' ? one : JSON.stringify(one)}</code></div>
`,
    )

  return consolePage({
    title: what,
    viewer,
    section: 'audit',
    body: html`
<h1>${what}</h1>
<dl class="panel facts">
${fact('When', stamp(at))}${fact('By', actor(operation, names))}${fact('User', userId === null ? null : userLink(userId, names))}${fact('Reason', reason === null ? null : quoted(reason))}${fact('From', ipAddress)}${fact('With', userAgent === null ? null : html`${nameOf({ userAgent })} <span class="quiet">${quoted(userAgent)}</span>`)}${fact('Incident', planId ? html`<a href="/admin/incidents/${planId}">${planId}</a>` : null)}${fact('Selection', selection && html`${pairs(selection)}`)}${fact('Result', result && html`${pairs(result)}`)}${fact('Waited', waitedMs === null ? null : `${waitedMs.toLocaleString('en')} ms, for instances that answer from memory`)}${fact('Request', requestId)}${fact('Operation', html`<span class="id">${id}</span>`)}</dl>
<section aria-labelledby="sessions">
<h2 id="sessions">${revoked.length >= most ? `Sessions it ended: the last ${most} seen` : revoked.length === 0 ? 'It ended no session' : `It ended ${count(revoked.length, 'session')}`}</h2>
${
  revoked.length > 0
    ? html`<ul class="panel rows" role="list">
${revoked.map(
  (session) => html`<li>${deviceIcon(session)}
<span>${userLink(session.userId, names)} · ${nameOf(session)}${session.ipAddress ? html` <span class="address">· ${session.ipAddress}</span>` : ''}<br>
<span class="quiet">ended ${stamp(session.revokedAt)} · session <span class="id">${session.sessionId}</span></span></span></li>
`,
)}</ul>`
    : ''
}
</section>`,
  })
}
