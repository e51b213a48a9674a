/** The report of a finished incident, on paper as well: what was planned, what was ended, and how the two add up. */
import { html, type SafeHtml } from '@remix-run/html-template'
import { count, stamp } from '../../../ui/format.ts'
import type { Names } from '../../display-names.ts'
import { consolePage, type Viewer } from '../../views/frame.ts'
import { sessionsOfUsers } from '../../views/parts.ts'
import type { IncidentReport } from '../incidents.ts'
import { facts } from './incident-facts.ts'

export interface ReportPage {
  viewer: Viewer
  incident: IncidentReport
  names: Names
}

export function incidentReport({ viewer, incident, names }: ReportPage): SafeHtml {
  const { planId, planned, ended, outcome, finishedAt, durationMs, operationId } = incident
  const { endedPlanned = 0, endedLater = 0, goneMeanwhile = 0, users = 0, staffSessions = 0 } = outcome ?? {}
  const title = `${sessionsOfUsers(ended, users)} ended`
  const row = (label: string, n: number, strong = false) =>
    html`<tr><th scope="row">${strong ? html`<strong>${label}</strong>` : label}</th><td>${strong ? html`<strong>${n.toLocaleString('en')}</strong>` : n.toLocaleString('en')}</td></tr>
`
  return consolePage({
    title: `Report: ${title}`,
    viewer,
    section: 'incidents',
    body: html`
<h1>${title}</h1>
<p class="lead">Incident report. All of it is over, everywhere${finishedAt ? html`, since ${stamp(finishedAt)}` : ''}.</p>
${stillOpen(outcome?.stillOpen)}
${facts(incident, names)}
<div class="pair">
<div class="panel sums"><table>
<caption>What became of the plan</caption>
<tbody>
${row('Ended by the incident', endedPlanned)}${row('Over by themselves before', goneMeanwhile)}${row('Planned', planned.sessions, true)}</tbody>
</table></div>
<div class="panel sums"><table>
<caption>What was ended</caption>
<tbody>
${row('Planned', endedPlanned)}${row('Began, or came to match, after the plan', endedLater)}${row('Ended', ended, true)}</tbody>
</table></div>
</div>
<dl class="panel facts">
<dt>Users</dt><dd>${count(users, 'user')} with sessions that ended${planned.users === users ? '' : ` (${planned.users.toLocaleString('en')} planned)`}</dd>
<dt>Staff’s own</dt><dd>${count(staffSessions, 'session')}</dd>
${durationMs === null ? '' : html`<dt>Duration</dt><dd>${seconds(durationMs)}${outcome?.waitedMs ? `, the last ${seconds(outcome.waitedMs)} of it for instances that answer from memory` : ''}</dd>`}
<dt>Incident</dt><dd class="id">${planId}</dd>
${operationId ? html`<dt>In the audit</dt><dd><a class="id" href="/admin/operation?id=${operationId}">${operationId}</a></dd>` : ''}
</dl>
<nav class="actions screen" aria-label="Take it along">
<a class="button" href="/admin/incidents/${planId}/report.csv">Sessions as CSV</a>
<a class="button" href="/api/admin/incidents/${planId}/report">Report as JSON</a>
<button type="button" data-print hidden>Print</button>
</nav>`,
  })
}

function stillOpen(left: { writing: number; reading: number } | undefined): SafeHtml {
  const n = left ? left.writing + left.reading : 0
  if (n === 0) return html``
  return html`<p class="warn"><strong>${count(n, 'transaction')} of other programs had not ended</strong> when this was finished, though begun before it. A sign-in inside one of them may have escaped: plan the same again to be sure.</p>`
}

function seconds(ms: number): string {
  if (ms < 100) return 'less than 0.1 seconds'
  const text = (ms / 1000).toLocaleString('en', { maximumFractionDigits: 1 })
  return `${text} ${text === '1' ? 'second' : 'seconds'}`
}
