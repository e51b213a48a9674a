/** `/admin`: figures, running incidents, reused tokens and recent activity. */
import { html, type SafeHtml } from '@remix-run/html-template'
import type { Operation } from '../../../operations/schema.ts'
import { count } from '../../../ui/format.ts'
import { searchForm } from '../../accounts/views/users-page.ts'
import { entries } from '../../audit/views/entries.ts'
import type { DisplayNames } from '../../display-names.ts'
import type { IncidentReport } from '../../incidents/report.ts'
import { incidentList } from '../../incidents/views/incidents-page.ts'
import { consolePage, type Viewer } from '../../views/frame.ts'
import { ago, userLink } from '../../views/parts.ts'
import { RANGES, type RangeName } from '../overview.ts'
import type { Figures, ReplayedUser } from '../queries.ts'
import { plot } from './plot.ts'

/** Seconds until the page reloads while the figures are being counted. */
const REFRESH_SECONDS = 3

export interface OverviewPage {
  viewer: Viewer
  range: RangeName
  /** Null while they are being counted. */
  figures: Figures | null | 'unavailable'
  incidents: IncidentReport[]
  acts: Operation[]
  replayed: ReplayedUser[]
  names: DisplayNames
}

export function overviewPage(page: OverviewPage): SafeHtml {
  const { viewer, range, figures, incidents, acts, replayed, names } = page
  return consolePage({
    title: 'Overview',
    viewer,
    section: 'overview',
    refreshSeconds: figures === null ? REFRESH_SECONDS : undefined,
    body: html`
<h1>Overview</h1>
${searchForm('')}
${incidents.length > 0 ? html`<section aria-labelledby="under-way"><h2 id="under-way">Incidents in progress</h2>${incidentList(incidents)}</section>` : ''}
${replayed.length > 0 ? replayAlarm(replayed, names) : ''}
<section aria-labelledby="figures">
<div class="heading">
<h2 id="figures">${range === 'day' ? 'The last 24 hours' : 'The last 7 days'}</h2>
<nav aria-label="Time shown" class="switch">
${(['day', 'week'] as const).map((name) => html`<a href="/admin${name === 'week' ? '?range=week' : ''}"${name === range ? html` aria-current="true"` : ''}>${name === 'day' ? '24 hours' : '7 days'}</a>`)}
</nav>
</div>
${plots(figures, range)}
</section>
<section aria-labelledby="acts">
<h2 id="acts">Recent staff and service activity</h2>
${acts.length > 0 ? entries(acts, names) : html`<p class="empty">No activity yet.</p>`}
<p><a href="/admin/audit">Open the audit log</a></p>
</section>`,
  })
}

function replayAlarm(replayed: ReplayedUser[], names: DisplayNames): SafeHtml {
  return html`<section class="alarm" aria-labelledby="replays-seen">
<h2 id="replays-seen">Reused revoked tokens in the last 24 hours</h2>
<p>Each was refused. The sender holds a copy: a thief, or a device that was offline when it was signed out.</p>
<ul class="rows" role="list">
${replayed.map(
  ({ userId, count: n, last, elsewhere }) =>
    html`<li>${userLink(userId, names)} <span class="quiet">${count(n, 'time')}, last ${ago(last)}${elsewhere ? ', from another address or program' : ''}</span></li>
`,
)}</ul>
</section>`
}

function plots(figures: OverviewPage['figures'], range: RangeName): SafeHtml {
  if (figures === 'unavailable')
    return html`<p class="empty">The counts are not available: the database took too long. <a href="">Try again</a></p>`
  if (!figures)
    return html`<p class="empty" role="status" data-refresh="${REFRESH_SECONDS}">Counting. This page refreshes by itself.</p>`
  const { from, at, active, logins, revocations, external, replays } = figures
  const { stepSeconds } = RANGES[range]
  const span = range === 'day' ? 'in 24 hours' : 'in 7 days'
  const total = (values: number[]) => values.reduce((a, b) => a + b, 0)
  const common = { from, stepSeconds }
  return html`<div class="plots">
${plot({ id: 'active', title: 'Active sessions', label: 'now', number: active.at(-1) ?? 0, values: active, ...common })}
${plot({ id: 'logins', title: 'Sign-ins', label: span, number: total(logins), values: logins, ...common })}
${plot({
  id: 'revocations',
  title: 'Sessions ended',
  label: span,
  number: total(revocations),
  values: revocations,
  ...common,
  ...(external > 0 && {
    note: html`<p class="warn"><a href="/admin/audit?kind=external">${external.toLocaleString('en')} of them outside the service (direct database change)</a></p>`,
  }),
})}
${plot({ id: 'replays', title: 'Reused revoked tokens', label: span, number: total(replays), values: replays, ...common })}
</div>
<p class="since">Counted ${ago(at)}. Each bar is ${range === 'day' ? 'an hour' : 'six hours'}; the last one is still running. Past counts exclude sessions that have expired since.</p>`
}
