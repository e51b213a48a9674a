/** `/admin/incidents/:id`: a plan to confirm, then the progress, then the report. */
import { html, type SafeHtml } from '@remix-run/html-template'
import { deviceIcon, nameOf } from '../../../sessions/views/device.ts'
import { ENGLISH } from '../../../ui/view.ts'
import type { DisplayNames } from '../../display-names.ts'
import { consolePage, type Viewer } from '../../views/frame.ts'
import { ago, errorSummary, type FormErrors, on, quoted, userLink } from '../../views/parts.ts'
import { oldSignInWarning } from '../../views/retry-page.ts'
import { ESTIMATED, plannedNumber, plannedSessions, plannedTotal } from '../planned.ts'
import type { UnknownUsers } from '../queries.ts'
import type { IncidentReport } from '../report.ts'
import type { IncidentSample } from '../schema.ts'
import { isForEveryone } from '../selector-values.ts'
import { facts } from './incident-facts.ts'
import { incidentReport } from './incident-report.ts'
import { progressBar } from './incidents-page.ts'

/** Seconds between reloads of the progress page without JavaScript. */
const REFRESH_SECONDS = 3

export interface IncidentPage {
  viewer: Viewer
  incident: IncidentReport
  /** For a plan: ids in its list that belong to no user. */
  unknown: UnknownUsers | null
  names: DisplayNames
  isRecent: boolean
  errors: FormErrors
}

export function incidentPage(page: IncidentPage): SafeHtml {
  const { incident } = page
  if (incident.state === 'done') return incidentReport(page)
  if (incident.state === 'running') return progressPage(page)
  return planPage(page)
}

function planPage({ viewer, incident, unknown, names, isRecent, errors }: IncidentPage): SafeHtml {
  const { planId, state, planned, expiresAt, sample } = incident
  const expired = state === 'expired'
  const what = plannedTotal(planned)
  const again = html`<a class="button${expired ? ' primary' : ''}" href="/admin/incidents/new?from=${planId}">Change and plan again</a>`
  return consolePage({
    title: expired ? 'Expired plan' : `Plan: end ${what}`,
    viewer,
    section: 'incidents',
    body: html`
<h1>${expired ? 'This plan has expired' : `This would end ${what}`}</h1>
<p class="lead">${expired ? html`It ended nothing and can no longer be executed. It had ${planned.estimated ? 'estimated' : 'counted'} ${what}.` : html`No session has ended yet. The plan expires on ${on(expiresAt)}.`}</p>
${errorSummary(errors, { confirm: 'Confirmation' })}
${planned.estimated && !expired ? html`<p class="warn"><strong>An estimate.</strong> ${ESTIMATED}</p>` : ''}
${planned.staffSessions > 0 ? html`<p class="warn"><strong>${planned.staffSessions.toLocaleString('en')} of them belong${planned.staffSessions === 1 ? 's' : ''} to staff.</strong> Yours may be among them: then you are signed out, and the incident continues.</p>` : ''}
${unknown?.count ? unknownIdsWarning(unknown) : ''}
${facts(incident, names)}
<section aria-labelledby="sample">
<h2 id="sample">${planned.estimated ? 'Some of the sessions' : planned.sessions > sample.length ? `The newest ${sample.length} sessions` : 'Matching sessions'}</h2>
${sample.length > 0 ? sampleList(sample, names) : html`<p class="empty">${planned.estimated ? 'The sample has no active session that matches.' : 'No active session matches.'} Executing the plan ends those that match at that time.</p>`}
</section>
${
  viewer.role !== 'security' || expired
    ? html`<nav class="actions" aria-label="Actions">${viewer.role === 'security' ? again : ''}</nav>`
    : html`${oldSignInWarning(isRecent, viewer)}
<form method="post" action="/admin/incidents/${planId}/execute" class="panel form">
<label class="choice" for="confirm"><input type="checkbox" id="confirm" name="confirm" value="yes" required${errors.confirm ? html` aria-invalid="true"` : ''}><span><strong>Yes, end ${what}.</strong><span class="detail">This cannot be undone; users have to sign in again. Sessions that match when you confirm are ended too.</span></span></label>
<div class="actions">
<button class="danger">End ${plannedSessions(planned)}</button>
${again}
<a class="button" href="/admin/incidents">Cancel</a>
</div>
</form>`
}`,
  })
}

function progressPage({ viewer, incident, names }: IncidentPage): SafeHtml {
  const { planId, ended, planned, selection } = incident
  const forEveryone = isForEveryone(selection)
  return consolePage({
    title: 'Incident in progress',
    viewer,
    section: 'incidents',
    refreshSeconds: REFRESH_SECONDS,
    body: html`
<h1>${forEveryone ? 'All sessions have ended' : 'Ending sessions'}</h1>
${forEveryone ? html`<p class="lead">They ended when the incident began, on every instance. Their records follow.</p>` : ''}
<section class="panel form" aria-label="Progress" data-poll="/api/admin/incidents/${planId}">
<p><strong data-ended>${ended.toLocaleString('en')}</strong> of ${plannedNumber(planned)} planned sessions ${forEveryone ? 'recorded' : 'ended'}</p>
${progressBar(incident)}
<p class="quiet">It continues if you close this page or a server stops.${forEveryone ? '' : ' It completes once sign-ins already in progress have finished.'}</p>
</section>
${facts(incident, names)}`,
  })
}

/** Warns about pasted email addresses or outdated ids, which make the count too low. */
function unknownIdsWarning({ count: n, ids }: UnknownUsers): SafeHtml {
  return html`<p class="warn"><strong>${n === 1 ? '1 id in the list belongs' : `${n.toLocaleString('en')} ids in the list belong`} to no user here:</strong> ${ids.map((id, i) => html`${i > 0 ? ', ' : ''}<span class="id">${quoted(id)}</span>`)}${n > ids.length ? ' …' : '.'} The list takes ids, not email addresses. A user who has not come since your application adopted this service is unknown, too: sessions from before are refused once the plan is executed.</p>`
}

function sampleList(sample: IncidentSample[], names: DisplayNames): SafeHtml {
  return html`<ul class="panel rows" role="list">
${sample.map(
  (session) => html`<li>${deviceIcon(session)}
<span>${userLink(session.userId, names)} · ${nameOf(ENGLISH, session)}${session.ipAddress ? html` <span class="address">· ${session.ipAddress}</span>` : ''} <span class="quiet">· signed in ${ago(new Date(session.createdAt))}</span></span></li>
`,
)}</ul>`
}
