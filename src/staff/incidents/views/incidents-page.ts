/** `/admin/incidents`: planned, running and finished incidents. */
import { html, type SafeHtml } from '@remix-run/html-template'
import { count } from '../../../ui/format.ts'
import { consolePage, type Viewer } from '../../views/frame.ts'
import { ago, quoted, sessionsOfUsers } from '../../views/parts.ts'
import { plannedNumber, plannedTotal } from '../planned.ts'
import type { IncidentReport } from '../report.ts'

export interface IncidentsPage {
  viewer: Viewer
  incidents: IncidentReport[]
}

export function incidentsPage({ viewer, incidents }: IncidentsPage): SafeHtml {
  return consolePage({
    title: 'Incidents',
    viewer,
    section: 'incidents',
    body: html`
<h1>Incidents</h1>
<p class="lead">End many sessions in one operation: plan, review the result, confirm.</p>
${viewer.role === 'security' ? html`<nav class="actions" aria-label="Actions"><a class="button primary" href="/admin/incidents/new">Plan an incident…</a></nav>` : ''}
<section aria-labelledby="all">
<h2 id="all">Newest first</h2>
${incidents.length > 0 ? incidentList(incidents) : html`<p class="empty">No incidents yet.</p>`}
</section>`,
  })
}

const STATES = { planned: 'planned', expired: 'expired', running: 'in progress', done: 'done' }

export function incidentList(incidents: IncidentReport[]): SafeHtml {
  return html`<ol class="panel entries" role="list">
${incidents.map(
  (incident) => html`<li class="entry">
<p class="when">${ago(incident.startedAt ?? incident.plannedAt)}</p>
<div class="what">
<p><strong><a href="/admin/incidents/${incident.planId}">${quoted(incident.reason)}</a></strong></p>
<p class="quiet">${what(incident)}</p>
${incident.state === 'running' ? progressBar(incident) : ''}
</div>
<p class="number"><span class="badge${incident.state === 'running' ? ' warn' : ''}">${STATES[incident.state]}</span></p>
</li>
`,
)}</ol>`
}

function what({ state, ended, planned, outcome }: IncidentReport): string {
  if (state === 'done') return `${sessionsOfUsers(ended, outcome?.users ?? 0)} ended`
  if (state === 'running') return `${count(ended, 'session')} ended of ${plannedNumber(planned)} planned`
  return `would end ${plannedTotal(planned)}`
}

/** The progress; more sessions may end than were planned. Of an estimate it tells no percentage. */
export function progressBar({ ended, planned }: Pick<IncidentReport, 'ended' | 'planned'>): SafeHtml {
  const all = Math.max(planned.sessions, ended, 1)
  return html`<progress max="${all}" value="${ended}" aria-label="Sessions ended${planned.estimated ? ', of an estimated number' : ''}">${planned.estimated ? '' : `${Math.floor((100 * ended) / all)}%`}</progress>`
}
