/** `/admin/incidents/:id`: a plan to confirm, then the progress, then the report. */
import { html, type SafeHtml } from '@remix-run/html-template'
import { consolePage } from '../../views/frame.ts'
import { plannedNumber } from '../planned.ts'
import { isForEveryone } from '../selector-values.ts'
import { facts } from './incident-facts.ts'
import { incidentReport } from './incident-report.ts'
import { progressBar } from './incidents-page.ts'
import { type IncidentPage, planPage } from './plan-page.ts'

/** Seconds between reloads of the progress page without JavaScript. */
const REFRESH_SECONDS = 3

export function incidentPage(page: IncidentPage): SafeHtml {
  const { incident } = page
  if (incident.state === 'done') return incidentReport(page)
  if (incident.state === 'running') return progressPage(page)
  return planPage(page)
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
