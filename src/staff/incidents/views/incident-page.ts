/** `/admin/incidents/:id`: a plan to be confirmed, then how far it is, then its report. */
import { html, type SafeHtml } from '@remix-run/html-template'
import { deviceIcon, nameOf } from '../../../sessions/views/device.ts'
import { ago, count, on } from '../../../ui/format.ts'
import type { Names } from '../../display-names.ts'
import { consolePage, type Viewer } from '../../views/frame.ts'
import { type Faults, faultList, quoted, sessionsOfUsers, userLink } from '../../views/parts.ts'
import { recentSignIn } from '../../views/sign-in-again.ts'
import type { IncidentReport } from '../incidents.ts'
import type { UnknownListed } from '../queries.ts'
import type { IncidentSample } from '../schema.ts'
import { facts } from './incident-facts.ts'
import { incidentReport } from './incident-report.ts'
import { progressBar } from './incidents-page.ts'

/** Seconds between two looks at the progress, without JavaScript. */
const REFRESH_SECONDS = 3

export interface IncidentPage {
  viewer: Viewer
  incident: IncidentReport
  /** Of a plan: ids in its list that are no user's. */
  unknown: UnknownListed | null
  names: Names
  isRecent: boolean
  faults: Faults
}

export function incidentPage(page: IncidentPage): SafeHtml {
  const { incident } = page
  if (incident.state === 'done') return incidentReport(page)
  if (incident.state === 'running') return progressPage(page)
  return planPage(page)
}

function planPage({ viewer, incident, unknown, names, isRecent, faults }: IncidentPage): SafeHtml {
  const { planId, state, planned, expiresAt, sample } = incident
  const expired = state === 'expired'
  const what = sessionsOfUsers(planned.sessions, planned.users)
  const again = html`<a class="button${expired ? ' primary' : ''}" href="/admin/incidents/new?from=${planId}">Change it and plan again</a>`
  return consolePage({
    title: expired ? 'Expired plan' : `Plan: end ${what}`,
    viewer,
    section: 'incidents',
    body: html`
<h1>${expired ? 'This plan has expired' : `This would end ${what}`}</h1>
<p class="lead">${expired ? html`It ended nothing, and cannot be executed any more. It had counted ${what}.` : html`Nothing is ended yet. The plan holds until ${on(expiresAt)}.`}</p>
${faultList(faults, { confirm: 'Confirmation' })}
${planned.staffSessions > 0 ? html`<p class="warn"><strong>${planned.staffSessions.toLocaleString('en')} of them belong${planned.staffSessions === 1 ? 's' : ''} to staff.</strong> Yours may be among them: then you are signed out as well, and the incident goes on without you.</p>` : ''}
${unknown?.count ? strangers(unknown) : ''}
${facts(incident, names)}
<section aria-labelledby="sample">
<h2 id="sample">${planned.sessions > sample.length ? `The newest ${sample.length} of them` : 'Which sessions'}</h2>
${sample.length > 0 ? sampleList(sample, names) : html`<p class="empty">No living session matches. Executing the plan would still end those that match by then.</p>`}
</section>
${
  viewer.role !== 'security' || expired
    ? html`<nav class="actions" aria-label="Actions">${viewer.role === 'security' ? again : ''}</nav>`
    : html`${recentSignIn(isRecent, viewer)}
<form method="post" action="/admin/incidents/${planId}/execute" class="panel form">
<label class="choice" for="confirm"><input type="checkbox" id="confirm" name="confirm" value="yes" required${faults.confirm ? html` aria-invalid="true"` : ''}><span><strong>Yes, end ${what}.</strong><span class="detail">They cannot be brought back; people have to sign in again. Sessions that match by the time you confirm end, too.</span></span></label>
<div class="actions">
<button class="danger">End ${count(planned.sessions, 'session')}</button>
${again}
<a class="button" href="/admin/incidents">Leave it</a>
</div>
</form>`
}`,
  })
}

function progressPage({ viewer, incident, names }: IncidentPage): SafeHtml {
  const { planId, ended, planned } = incident
  return consolePage({
    title: 'Incident under way',
    viewer,
    section: 'incidents',
    refreshSeconds: REFRESH_SECONDS,
    body: html`
<h1>Sessions are being ended</h1>
<section class="panel form" aria-label="Progress" data-poll="/api/admin/incidents/${planId}">
<p><strong data-ended>${ended.toLocaleString('en')}</strong> of ${planned.sessions.toLocaleString('en')} planned are ended</p>
${progressBar(incident)}
<p class="quiet">It goes on if you close this page, and if a server stops. Those already ended are refused everywhere. It finishes only after it has waited for sign-ins that were under way.</p>
</section>
${facts(incident, names)}`,
  })
}

/** Whoever pastes email addresses, or an old list, has to hear of it before believing the figure. */
function strangers({ count: n, ids }: UnknownListed): SafeHtml {
  return html`<p class="warn"><strong>${n === 1 ? '1 id in the list is' : `${n.toLocaleString('en')} ids in the list are`} no user’s,</strong> and end nothing: ${ids.map((id, i) => html`${i > 0 ? ', ' : ''}<span class="id">${quoted(id)}</span>`)}${n > ids.length ? ' …' : '.'} The list takes ids, not email addresses.</p>`
}

function sampleList(sample: IncidentSample[], names: Names): SafeHtml {
  return html`<ul class="panel rows" role="list">
${sample.map(
  (session) => html`<li>${deviceIcon(session)}
<span>${userLink(session.userId, names)} · ${nameOf(session)}${session.ipAddress ? html` <span class="address">· ${session.ipAddress}</span>` : ''} <span class="quiet">· signed in ${ago(new Date(session.createdAt))}</span></span></li>
`,
)}</ul>`
}
