/** `/admin/users`: find users, and whatever else an id stands for. */
import { html, type SafeHtml } from '@remix-run/html-template'
import { operationLabel } from '../../../operations/kinds.ts'
import { deviceIcon } from '../../../sessions/views/device.ts'
import type { StaffRole } from '../../role-names.ts'
import { consolePage, type Viewer } from '../../views/frame.ts'
import { ago, emailAndId, on, quoted, revokeHref, userHref } from '../../views/parts.ts'
import { type Found, MAX_FOUND } from '../find.ts'
import { PARTS } from '../parts.ts'
import type { FoundUser } from '../queries.ts'
import { sessionFacts } from './session-facts.ts'

export interface UsersPage {
  viewer: Viewer
  query: string
  /** Null without a query. */
  found: Found | null
}

export function usersPage({ viewer, query, found }: UsersPage): SafeHtml {
  return consolePage({
    title: query ? `${query} · Users` : 'Users',
    viewer,
    section: 'users',
    body: html`
<h1>Users</h1>
${searchForm(query, !found)}
${found ? results(query, found, viewer.role) : ''}
<nav class="actions" aria-label="Lists of users">
<a class="button" href="/admin/sessions">Who is signed in from…</a>
<a class="button" href="/admin/locks">Locked users</a>
<a class="button" href="/admin/staff">Security staff</a>
</nav>`,
  })
}

/** @param first whether to focus the field. */
export function searchForm(query: string, first = false): SafeHtml {
  return html`<form class="search" role="search" method="get" action="/admin/users">
<label for="q">Find</label>
<div><input id="q" name="q" type="search" value="${query}" autocomplete="off" autocapitalize="off" spellcheck="false" maxlength="500" aria-describedby="q-hint"${first ? html` autofocus` : ''}>
<button class="primary">Search</button></div>
<p class="hint" id="q-hint">Any part of a name or an email address; the beginning of a user’s id; the id of a session or an operation; an address or a range. Case does not matter.</p>
</form>`
}

function results(query: string, found: Found, role: StaffRole): SafeHtml {
  const { session, operation, parts } = found
  const others = html`${
    session
      ? html`<h2>An active session</h2>
<ul class="panel rows" role="list"><li>${deviceIcon(session)}<span><a href="${userHref(session.userId)}">${quoted(session.userId)}</a><br>
${sessionFacts(session)}</span></li></ul>
`
      : ''
  }${
    operation
      ? html`<h2>An operation</h2>
<ul class="panel people-found" role="list"><li><a href="/admin/operation?id=${operation.id}">${operationLabel(operation.kind, operation.scope)}</a>
<p class="quiet">${ago(operation.at)}${operation.reason ? html` · ${quoted(operation.reason)}` : ''}</p></li></ul>
`
      : ''
  }`
  if ((session || operation) && found.users.length === 0) return others
  return html`${others}${foundUsers(query, found, role)}
${parts === 'searched' ? '' : html`<p class="quiet">${PARTS[parts]}</p>`}`
}

function foundUsers(query: string, { users, parts }: Found, role: StaffRole): SafeHtml {
  if (users.length === 0)
    return html`<p class="empty" role="status">${parts === 'searched' ? 'No user has a name or email address with this text, or an id that begins with it:' : 'No user has a name, email address or id that begins with'} “${quoted(query)}”.</p>
${role === 'security' ? html`<p>Is it the id of a user who has not come since your application adopted this service? <a href="${revokeHref(query)}">End sessions of this id…</a></p>` : ''}`
  return html`<h2>${users.length >= MAX_FOUND ? `The first ${MAX_FOUND} users found; type more to narrow the search` : users.length === 1 ? '1 user found' : `${users.length} users found`}</h2>
${people(users)}`
}

/** Users with a link to each. @param more what else there is to say of one. */
export function people<One extends FoundUser>(
  users: One[],
  more: (user: One) => SafeHtml = () => html``,
): SafeHtml {
  return html`<ul class="panel people-found" role="list">
${users.map(
  (user) => html`<li>
<a href="${userHref(user.id)}">${quoted(user.name || user.email || user.id)}</a>
<p class="quiet">${emailAndId(user)}</p>
${badges(user)}
${more(user)}</li>
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
