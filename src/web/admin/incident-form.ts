/** `/admin/incidents/new`: which sessions are meant. Every part that is given has to match. */
import { html, type SafeHtml } from '@remix-run/html-template'
import { reasonField } from './act-pages.ts'
import { consolePage, type Viewer } from './frame.ts'
import { type Faults, faultList, field } from './parts.ts'
import { recentSignIn } from './sign-in-again.ts'

/** What was typed in. Instants as `datetime-local` has them, in UTC. */
export interface IncidentEntered {
  reason?: string | undefined
  userIds?: string | undefined
  ipRange?: string | undefined
  createdAfter?: string | undefined
  createdBefore?: string | undefined
  userAgent?: string | undefined
  everyone?: string | undefined
}

export interface IncidentForm {
  viewer: Viewer
  isRecent: boolean
  entered: IncidentEntered
  faults: Faults
  /** A plan that this repeats had a list of users too long to be shown again. */
  usersLost?: boolean
}

export const INCIDENT_LABELS: Record<string, string> = {
  reason: 'Reason',
  select: 'Which sessions',
  userIds: 'Users',
  ipRange: 'Address or range',
  createdAfter: 'Signed in at or after',
  createdBefore: 'Signed in before',
  userAgent: 'User agent contains',
  everyone: 'Everyone',
}

export function incidentForm({ viewer, isRecent, entered, faults, usersLost }: IncidentForm): SafeHtml {
  const label = (name: string) => INCIDENT_LABELS[name] ?? name
  const text = (name: keyof IncidentEntered, hint: string, type = 'text') =>
    field(
      {
        name,
        label: label(name),
        hint,
        control: (attributes) =>
          html`<input ${attributes} type="${type}" value="${entered[name] ?? ''}" autocomplete="off" spellcheck="false"${type === 'datetime-local' ? html` step="1"` : ''}>`,
      },
      faults,
    )
  return consolePage({
    title: 'Plan an incident',
    viewer,
    section: 'incidents',
    body: html`
<h1>Plan an incident</h1>
<p class="lead">A plan ends nothing. It counts what would end, and shows it to you for confirmation.</p>
${faultList(faults, INCIDENT_LABELS)}
${recentSignIn(isRecent, viewer)}
<form method="post" action="/admin/incidents" class="panel form" data-preview="/admin/incidents/preview">
${reasonField(entered.reason, faults)}
<fieldset id="select">
<legend>Which sessions? Those that match <strong>every</strong> part you fill in.</legend>
${faults.select ? html`<p class="fault">${faults.select}</p>` : ''}
${field(
  {
    name: 'userIds',
    label: label('userIds'),
    hint: usersLost
      ? 'The list of the plan before was too long to be shown here: paste it again, or leave it out. One user id a line.'
      : 'One user id a line, up to 200,000. Ids as the audit and the user pages show them, not email addresses.',
    control: (attributes) =>
      html`<textarea ${attributes} rows="4" autocomplete="off" autocapitalize="off" spellcheck="false">
${entered.userIds ?? ''}</textarea>
<p class="file" hidden><label for="file">or read them from a text file</label> <input id="file" type="file" accept="text/plain,.txt,.csv" data-into="userIds"></p>`,
  },
  faults,
)}
${text('ipRange', 'IPv4 or IPv6, such as 203.0.113.0/24, 2001:db8::/32 or 198.51.100.23')}
<div class="pair">
${text('createdAfter', `UTC. It is ${nowUtc()} UTC now.`, 'datetime-local')}
${text('createdBefore', 'UTC', 'datetime-local')}
</div>
${text('userAgent', 'In upper or lower case, such as Firefox/144')}
<label class="choice"><input type="checkbox" id="everyone" name="everyone" value="yes"${entered.everyone ? html` checked` : ''}><span><strong>Everyone</strong><span class="detail">Every session there is. Needed only if no other part is filled in.</span></span></label>
</fieldset>
<p class="preview" role="status" hidden></p>
<div class="actions">
<button class="primary">Plan: show me what would end</button>
<a class="button" href="/admin/incidents">Cancel</a>
</div>
</form>`,
  })
}

function nowUtc(): string {
  return new Date().toISOString().slice(0, 16).replace('T', ' ')
}
