/** `/admin/users`: find users by the beginning of a name, email address or id. */
import { html, type SafeHtml } from '@remix-run/html-template'
import type { StaffRole } from '../../role-names.ts'
import { consolePage, type Viewer } from '../../views/frame.ts'
import { emailAndId, on, quoted, revokeHref, userHref } from '../../views/parts.ts'
import type { FoundUser } from '../queries.ts'

export interface UsersPage {
  viewer: Viewer
  query: string
  /** Null without a query. */
  users: FoundUser[] | null
  /** Limit of the search. */
  most: number
}

export function usersPage({ viewer, query, users, most }: UsersPage): SafeHtml {
  return consolePage({
    title: query ? `${query} · Users` : 'Users',
    viewer,
    section: 'users',
    body: html`
<h1>Users</h1>
${searchForm(query, !users)}
${users ? results(query, users, most, viewer.role) : ''}`,
  })
}

/** @param first whether to focus the field. */
export function searchForm(query: string, first = false): SafeHtml {
  return html`<form class="search" role="search" method="get" action="/admin/users">
<label for="q">Find a user</label>
<div><input id="q" name="q" type="search" value="${query}" autocomplete="off" autocapitalize="off" spellcheck="false" maxlength="500" aria-describedby="q-hint"${first ? html` autofocus` : ''}>
<button class="primary">Search</button></div>
<p class="hint" id="q-hint">The beginning of a name, email address or id. Case does not matter.</p>
</form>`
}

function results(query: string, users: FoundUser[], most: number, role: StaffRole): SafeHtml {
  if (users.length === 0)
    return html`<p class="empty" role="status">No user has a name, email address or id that begins with “${quoted(query)}”.</p>
${role === 'security' ? html`<p>Is it the id of a user who has not come since your application adopted this service? <a href="${revokeHref(query)}">End sessions of this id…</a></p>` : ''}`
  return html`<h2>${users.length >= most ? `The first ${most} users found; type more to narrow the search` : users.length === 1 ? '1 user found' : `${users.length} users found`}</h2>
<ul class="panel people-found" role="list">
${users.map(
  (user) => html`<li>
<a href="${userHref(user.id)}">${quoted(user.name || user.email || user.id)}</a>
<p class="quiet">${emailAndId(user)}</p>
${badges(user)}
</li>
`,
)}</ul>`
}

/** Badges: deleted, staff role, lock. */
export function badges({ role, lock, deleted }: FoundUser): SafeHtml {
  if (!role && !lock && !deleted) return html``
  return html`<p class="badges">${deleted ? html`<span class="badge warn">deleted</span>` : ''}
${role ? html`<span class="badge">${role === 'security' ? 'security staff' : 'auditor'}</span>` : ''}
${lock ? html`<span class="badge warn">sign-in locked ${lock.until ? html`until ${on(lock.until)}` : 'until unlocked'}</span>` : ''}</p>`
}
