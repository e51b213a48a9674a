/** A plan of an incident: what it would end, where that comes from, approval and confirmation. */
import { html, type SafeHtml } from '@remix-run/html-template'
import { deviceIcon, nameOf } from '../../../sessions/views/device.ts'
import { ENGLISH } from '../../../ui/view.ts'
import type { DisplayNames } from '../../display-names.ts'
import { consolePage, type Viewer } from '../../views/frame.ts'
import { ago, errorSummary, type FormErrors, field, on, quoted, userLink } from '../../views/parts.ts'
import { oldSignInWarning } from '../../views/retry-page.ts'
import { ESTIMATED, isLarge, lockSpan, plannedSessions, plannedTotal } from '../planned.ts'
import type { IncidentReport } from '../report.ts'
import type { Breakdown, IncidentSample } from '../schema.ts'
import type { Unknown, UnknownEntries } from '../unknown.ts'
import { facts } from './incident-facts.ts'

export interface IncidentPage {
  viewer: Viewer
  incident: IncidentReport
  /** For a plan: entries of its lists that fit nothing here. */
  unknown: UnknownEntries | null
  names: DisplayNames
  isRecent: boolean
  errors: FormErrors
}

export function planPage(page: IncidentPage): SafeHtml {
  const { viewer, incident, unknown, names, errors } = page
  const { planId, state, planned, expiresAt, sample, breakdown } = incident
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
${errorSummary(errors, { confirm: 'Confirmation', typed: 'Number of sessions' })}
${planned.estimated && !expired ? html`<p class="warn"><strong>An estimate.</strong> ${ESTIMATED}</p>` : ''}
${planned.staffSessions > 0 ? html`<p class="warn"><strong>${planned.staffSessions.toLocaleString('en')} of them belong${planned.staffSessions === 1 ? 's' : ''} to staff.</strong> Yours may be among them: then you are signed out, and the incident continues.</p>` : ''}
${unknown ? unknownWarnings(unknown) : ''}
${facts(incident, names)}
<section aria-labelledby="sample">
<h2 id="sample">${planned.estimated ? 'Some of the sessions' : planned.sessions > sample.length ? `The newest ${sample.length} sessions` : 'Matching sessions'}</h2>
${sample.length > 0 ? sampleList(sample, names) : html`<p class="empty">${planned.estimated ? 'The sample has no active session that matches.' : 'No active session matches.'} Executing the plan ends those that match at that time.</p>`}
</section>
${breakdown && breakdown.addresses.length > 0 ? breakdownTables(breakdown) : ''}
${
  viewer.role !== 'security' || expired
    ? html`<nav class="actions" aria-label="Actions">${viewer.role === 'security' ? again : ''}</nav>`
    : html`${oldSignInWarning(page.isRecent, viewer)}
${incident.approval.required && !incident.approval.at ? approval(page, again) : confirmation(page, again)}`
}`,
  })
}

/** Approves, by another person than the planner. */
function approval(
  { viewer, incident: { planId, plannedBy, planned } }: IncidentPage,
  again: SafeHtml,
): SafeHtml {
  if (plannedBy.kind === 'staff' && plannedBy.id === viewer.user.id)
    return html`<p class="warn"><strong>A second person has to approve this plan,</strong> because it concerns many users. Ask a colleague with the role “security” to open this page.</p>
<nav class="actions" aria-label="Actions">${again}</nav>`
  return html`<form method="post" action="/admin/incidents/${planId}/approve" class="panel form">
<p><strong>A second person has to approve this plan:</strong> you can. It ends nothing yet.</p>
<div class="actions">
<button class="primary">Approve that ${plannedSessions(planned)} end</button>
${again}
<a class="button" href="/admin/incidents">Cancel</a>
</div>
</form>`
}

function confirmation({ incident, errors }: IncidentPage, again: SafeHtml): SafeHtml {
  const { planId, planned } = incident
  return html`<form method="post" action="/admin/incidents/${planId}/execute" class="panel form">
<label class="choice" for="confirm"><input type="checkbox" id="confirm" name="confirm" value="yes" required${errors.confirm ? html` aria-invalid="true"` : ''}><span><strong>Yes, end ${plannedTotal(planned)}.</strong><span class="detail">This cannot be undone; users have to sign in again${incident.lock ? html`, which is locked ${lockSpan(incident.lock)}` : ''}. Sessions that match when you confirm are ended too.</span></span></label>
${
  isLarge(incident)
    ? field(
        {
          name: 'typed',
          label: `Type ${planned.sessions} to confirm`,
          hint: 'The number of sessions: this plan is a large one.',
          control: (attributes) =>
            html`<input ${attributes} type="text" inputmode="numeric" required autocomplete="off">`,
        },
        errors,
      )
    : ''
}
<div class="actions">
<button class="danger">End ${plannedSessions(planned)}</button>
${again}
<a class="button" href="/admin/incidents">Cancel</a>
</div>
</form>`
}

function breakdownTables({ addresses, userAgents, countries }: Breakdown): SafeHtml {
  const table = (caption: string, rows: Breakdown['addresses']) => html`<div class="panel sums"><table>
<caption>${caption}</caption>
<tbody>
${rows.map(
  ({ value, sessions }) =>
    html`<tr><th scope="row">${value === null ? 'unknown' : quoted(value)}</th><td>${sessions.toLocaleString('en')}</td></tr>
`,
)}</tbody>
</table></div>`
  return html`<section aria-labelledby="origin">
<h2 id="origin">Where they come from</h2>
<div class="pair">
${table('Addresses', addresses)}
${table('Programs', userAgents)}
${countries.length > 0 ? table('Countries', countries) : ''}</div>
</section>
`
}

/** Warns about mistyped or outdated entries, which make the count too low. */
function unknownWarnings({ users, emails, sessions }: UnknownEntries): SafeHtml {
  return html`${unknownWarning(users, ['1 id in the list belongs to no user here', 'ids in the list belong to no user here'], 'A user who has not come since your application adopted this service is unknown, too: sessions from before are refused once the plan is executed.')}
${unknownWarning(emails, ['1 address in the list belongs to no user here', 'addresses in the list belong to no user here'], 'They may be mistyped, or changed meanwhile.')}
${unknownWarning(sessions, ['1 session in the list is not active', 'sessions in the list are not active'], 'They have ended before, or never were here.')}`
}

function unknownWarning(
  { count: n, entries }: Unknown,
  [one, many]: [string, string],
  then: string,
): SafeHtml | '' {
  if (n === 0) return ''
  return html`<p class="warn"><strong>${n === 1 ? one : `${n.toLocaleString('en')} ${many}`}:</strong> ${entries.map((entry, i) => html`${i > 0 ? ', ' : ''}<span class="id">${quoted(entry)}</span>`)}${n > entries.length ? ' …' : '.'} ${then}</p>`
}

function sampleList(sample: IncidentSample[], names: DisplayNames): SafeHtml {
  return html`<ul class="panel rows" role="list">
${sample.map(
  (session) => html`<li>${deviceIcon(session)}
<span>${userLink(session.userId, names)} · ${nameOf(ENGLISH, session)}${session.ipAddress ? html` <span class="address">· ${session.ipAddress}</span>` : ''} <span class="quiet">· signed in ${ago(new Date(session.createdAt))}</span></span></li>
`,
)}</ul>`
}
