/** `/admin/locks` and `/admin/staff`: who is locked, and who is staff. */
import { html, type SafeHtml } from '@remix-run/html-template'
import { consolePage, type Viewer } from '../../views/frame.ts'
import { ago, quoted } from '../../views/parts.ts'
import type { LockPage, StaffMember } from '../lists.ts'
import { people } from './users-page.ts'

export interface LocksPage {
  viewer: Viewer
  page: LockPage
  isFirst: boolean
}

export function locksPage({ viewer, page: { users, next }, isFirst }: LocksPage): SafeHtml {
  return consolePage({
    title: 'Locked users',
    viewer,
    section: 'users',
    body: html`
<h1>Locked users</h1>
<p class="lead">No new session of theirs begins. The latest lock comes first.</p>
${
  users.length > 0
    ? people(users, ({ lock }) =>
        lock
          ? html`<p class="quiet">${quoted(lock.reason)} · ${ago(lock.lockedAt)}</p>
`
          : html``,
      )
    : html`<p class="empty">${isFirst ? 'No user is locked.' : 'No more locked users.'}</p>`
}
${
  isFirst && !next
    ? ''
    : html`<nav class="actions" aria-label="Pages of users">
${isFirst ? '' : html`<a class="button" href="/admin/locks">Latest locks</a>`}
${next ? html`<a class="button" rel="next" href="/admin/locks?cursor=${next}">Next</a>` : ''}
</nav>`
}`,
  })
}

export function staffPage({ viewer, staff }: { viewer: Viewer; staff: StaffMember[] }): SafeHtml {
  return consolePage({
    title: 'Security staff',
    viewer,
    section: 'users',
    body: html`
<h1>Security staff</h1>
<p class="lead">They see all sessions. The role “security” may end them, too. Only the owner of the tables gives roles, on the command line.</p>
${people(
  staff,
  ({ grantedAt }) => html`<p class="quiet">since ${ago(grantedAt)}</p>
`,
)}`,
  })
}
