/** The report of a finished incident, also for print: planned and ended sessions, and how they add up. */
import { html, type SafeHtml } from '@remix-run/html-template'
import { count, stamp } from '../../../ui/format.ts'
import type { DisplayNames } from '../../display-names.ts'
import { consolePage, type Viewer } from '../../views/frame.ts'
import { sessionsOfUsers } from '../../views/parts.ts'
import { plannedTotal, plannedUsers } from '../planned.ts'
import type { IncidentReport } from '../report.ts'
import { isForEveryone } from '../selector-values.ts'
import { facts } from './incident-facts.ts'

export interface ReportPage {
  viewer: Viewer
  incident: IncidentReport
  names: DisplayNames
}

export function incidentReport({ viewer, incident, names }: ReportPage): SafeHtml {
  const { planId, planned, ended, outcome, finishedAt, durationMs, operationId, selection } = incident
  const { endedPlanned = 0, endedLater = 0, goneMeanwhile = 0, users = 0, staffSessions = 0 } = outcome ?? {}
  const compared = endedPlanned !== null && endedLater !== null && goneMeanwhile !== null
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
<p class="lead">Incident report. All sessions ended on every instance${finishedAt ? html` at ${stamp(finishedAt)}` : ''}.</p>
${stillOpen(outcome?.stillOpen)}
${facts(incident, names)}
${
  compared
    ? html`<div class="pair">
<div class="panel sums"><table>
<caption>Planned sessions</caption>
<tbody>
${row('Ended by the incident', endedPlanned)}${row('Already ended or expired', goneMeanwhile)}${row('Planned', planned.sessions, true)}</tbody>
</table></div>
<div class="panel sums"><table>
<caption>Ended sessions</caption>
<tbody>
${row('Planned', endedPlanned)}${row('New matches after planning', endedLater)}${row('Ended', ended, true)}</tbody>
</table></div>
</div>`
    : html`<p>${isForEveryone(selection) ? 'The sessions that were valid when the incident began: each ended with it, and is recorded once.' : ''} Planned: ${plannedTotal(planned)}.${planned.estimated ? ' That was an estimate, so this report does not compare it with the sessions that ended.' : ''}</p>`
}
<dl class="panel facts">
<dt>Users</dt><dd>${count(users, 'user')} with ended sessions${planned.users === users ? '' : ` (${plannedUsers(planned)} planned)`}</dd>
<dt>Staff sessions</dt><dd>${count(staffSessions, 'session')}</dd>
${durationMs === null ? '' : html`<dt>Duration</dt><dd>${seconds(durationMs)}${outcome?.waitedMs ? `, of which ${seconds(outcome.waitedMs)} waiting for instances with a cache (leases)` : ''}</dd>`}
<dt>Incident</dt><dd class="id">${planId}</dd>
${operationId ? html`<dt>Audit log</dt><dd><a class="id" href="/admin/operation?id=${operationId}">${operationId}</a></dd>` : ''}
</dl>
<nav class="actions screen" aria-label="Export">
<a class="button" href="/admin/incidents/${planId}/report.csv">Sessions as CSV</a>
<a class="button" href="/api/admin/incidents/${planId}/report">Report as JSON</a>
<button type="button" data-print hidden>Print</button>
</nav>`,
  })
}

function stillOpen(left: { writing: number; reading: number } | undefined): SafeHtml {
  const n = left ? left.writing + left.reading : 0
  if (n === 0) return html``
  return html`<p class="warn"><strong>${count(n, 'transaction')} from before the incident ${n === 1 ? 'was' : 'were'} still open at its end.</strong> A sign-in inside one of them may have escaped. Plan the same incident again to be sure.</p>`
}

function seconds(ms: number): string {
  if (ms < 100) return 'less than 0.1 seconds'
  const text = (ms / 1000).toLocaleString('en', { maximumFractionDigits: 1 })
  return `${text} ${text === '1' ? 'second' : 'seconds'}`
}
