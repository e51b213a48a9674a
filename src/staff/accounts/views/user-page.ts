/** `/admin/user`: one user's active sessions, lock, reused tokens, recent revocations, and the actions on them. */
import { html, type SafeHtml } from '@remix-run/html-template'
import { operationLabel } from '../../../operations/kinds.ts'
import type { Operation, RevokedSession } from '../../../operations/schema.ts'
import type { Session } from '../../../sessions/schema.ts'
import { deviceIcon, nameOf } from '../../../sessions/views/device.ts'
import { deviceNames, type Ended } from '../../../sessions/views/parts.ts'
import { count } from '../../../ui/format.ts'
import { ENGLISH } from '../../../ui/view.ts'
import type { DisplayNames } from '../../display-names.ts'
import type { ListedReplay } from '../../replays/queries.ts'
import { consolePage, type Viewer } from '../../views/frame.ts'
import {
  actor,
  agent,
  ago,
  emailAndId,
  idQuery,
  on,
  quoted,
  revokeHref,
  userHref,
} from '../../views/parts.ts'
import type { Account } from '../accounts.ts'
import { compareWithSession } from '../json.ts'
import type { Revocation } from '../queries.ts'
import { sessionFacts } from './session-facts.ts'
import { userNotes } from './user-notes.ts'
import { badges } from './users-page.ts'

/** Rows shown before the rest is folded. */
const UNFOLDED = 12

export interface UserPage {
  viewer: Viewer
  account: Account
  /** Whether this is the first page of the sessions. */
  isFirst: boolean
  names: DisplayNames
  /** The action just completed. */
  done: Ended | null
}

export function userPage({ viewer, account, isFirst, names, done }: UserPage): SafeHtml {
  const { user, sessions, sessionCount, revocations, replays } = account
  const title = user.name || user.email || user.id
  return consolePage({
    title,
    viewer,
    section: 'users',
    body: html`
<h1>${quoted(title)}</h1>
<p class="lead">${emailAndId(user)}</p>
${badges({ ...user, lock: null })}
${done ? outcome(done) : ''}
${user.lock ? lockNotice(user.lock) : ''}
${viewer.role === 'security' ? actions(account) : ''}
${replayAlarm(account, viewer)}
<section aria-labelledby="active">
<h2 id="active">${sessionCount === 0 ? 'No active session' : count(sessionCount, 'active session')}</h2>
${sessions.length > 0 ? (viewer.role === 'security' ? chooseSessions(user.id, sessions) : sessionList(sessions)) : html`<p class="empty">${isFirst ? 'This user is not signed in anywhere.' : 'No more sessions.'}</p>`}
${sessionPages(account, isFirst)}
</section>
<section aria-labelledby="ended">
<h2 id="ended">Recently ended</h2>
${revocations.length > 0 ? revocationList(revocations, user.id, names) : html`<p class="empty">No session of this user was ended early within the retention period.</p>`}
<p><a href="/admin/audit?${String(new URLSearchParams({ user: user.id }))}">Audit log of this user</a></p>
</section>
${userNotes(account, viewer.role, names)}
${acknowledgedReplays(replays, names)}
${viewer.role === 'security' ? personalData(user.id) : ''}`,
  })
}

/** Folded, because it is rare: a request of the person, or an erasure. */
function personalData(id: string): SafeHtml {
  return html`<details><summary>Personal data</summary>
<p>All that this service keeps of this person, for a request; or the end of it.</p>
<nav class="actions" aria-label="Personal data">
<a class="button" href="/admin/user/export?${idQuery(id)}" download>Export</a>
<a class="button" href="/admin/user/erase?${idQuery(id)}">Erase…</a>
</nav></details>`
}

function actions({ user, sessionCount }: Account): SafeHtml {
  const id = idQuery(user.id)
  return html`<nav class="actions" aria-label="Actions">
<a class="button${sessionCount > 0 ? ' danger' : ''}" href="${revokeHref(user.id)}">${sessionCount > 0 ? `End ${sessionCount === 1 ? 'the session' : `all ${sessionCount.toLocaleString('en')} sessions`}…` : 'End all sessions…'}</a>
<a class="button" href="${revokeHref(user.id)}&amp;lockFor=24h">${sessionCount > 0 ? 'End all and lock sign-in…' : user.lock ? 'Lock for longer…' : 'Lock sign-in…'}</a>
${sessionCount > 1 ? html`<a class="button" href="/admin/incidents/new?${String(new URLSearchParams({ userIds: user.id }))}">End only some…</a>` : ''}
${user.lock ? html`<a class="button" href="/admin/user/unlock?${id}">Unlock sign-in…</a>` : ''}
</nav>`
}

/** The result of the action just completed. */
function outcome({ operation, revoked }: Ended): SafeHtml {
  const { kind, revokedCount, at, result } = operation
  const until = (result as { lockedUntil?: string } | null)?.lockedUntil
  const refused =
    revokedCount > 0
      ? 'No instance accepts them any more.'
      : 'Sessions from before, which the application may still hold, are refused.'
  const title =
    kind === 'user.unlock'
      ? 'Sign-in was unlocked'
      : `${count(revokedCount, 'session')} ${revokedCount === 1 ? 'was' : 'were'} ended`
  return html`<section class="notice" role="status" aria-labelledby="outcome">
<h2 id="outcome">${title}</h2>
<p>${
    kind === 'user.unlock' ? 'This user may sign in again.' : refused
  }${kind === 'user.revoke' && until ? html` Sign-in is locked ${until === 'forever' ? 'until staff unlock it' : html`until ${on(new Date(until))}`}.` : ''} Done ${ago(at)}.</p>
${deviceNames(ENGLISH, revoked, revokedCount)}
</section>`
}

function lockNotice({ until, reason, lockedAt }: NonNullable<Account['user']['lock']>): SafeHtml {
  return html`<section class="alarm" aria-labelledby="lock">
<h2 id="lock">Sign-in is locked ${until ? html`until ${on(until)}` : 'until staff unlock it'}</h2>
<p>${quoted(reason)} <span class="quiet">· since ${ago(lockedAt)}</span></p>
</section>`
}

/** One row for each sender (address, user agent and comparison), latest first, however often it tried. */
function replayAlarm({ user, replays: all }: Account, viewer: Viewer): SafeHtml {
  const replays = all.filter(({ acknowledged }) => !acknowledged)
  const [newest] = replays
  if (!newest) return html``
  const total = replays.reduce((sum, replay) => sum + replay.count, 0)
  const acknowledge = new URLSearchParams({ id: user.id, until: newest.at.toISOString() })
  const senders = new Map<string, ListedReplay>()
  for (const replay of replays) {
    const key = JSON.stringify([replay.ipAddress, replay.userAgent, replay.sameAddress, replay.sameProgram])
    const latest = senders.get(key) ?? { ...replay, count: 0 }
    senders.set(key, { ...latest, count: latest.count + replay.count })
  }
  const row = ({
    at,
    ipAddress,
    userAgent,
    count: n,
    ...same
  }: ListedReplay) => html`<li>${deviceIcon({ userAgent })}
<span><strong>${nameOf(ENGLISH, { userAgent })}</strong>${ipAddress ? html` <span class="address">· ${ipAddress}</span>` : ''}<br>
<span class="quiet">${count(n, 'time')}, last ${ago(at)}: ${compareWithSession(same)}</span>${agent(userAgent)}</span></li>
`
  return html`<section class="alarm" aria-labelledby="replays">
<h2 id="replays">A revoked token was used again ${count(total, 'time')}</h2>
<p>It was refused. The sender holds a copy: a thief, or a device that was offline when it was signed out.</p>
${folded([...senders.values()], row)}
${viewer.role === 'security' ? html`<nav class="actions" aria-label="Reused tokens"><a class="button" href="/admin/user/acknowledge?${String(acknowledge)}">Acknowledge…</a></nav>` : ''}
</section>`
}

/** Who has seen which, latest first. */
function acknowledgedReplays(replays: ListedReplay[], names: DisplayNames): SafeHtml {
  const seen = new Map<string, { by: Operation; uses: number }>()
  for (const { acknowledged: by, count: uses } of replays)
    if (by) seen.set(by.id, { by, uses: uses + (seen.get(by.id)?.uses ?? 0) })
  if (seen.size === 0) return html``
  const row = ({
    by,
    uses,
  }: {
    by: Operation
    uses: number
  }) => html`<li><span><strong>${count(uses, 'use')}</strong> of a revoked token<br>
<span class="quiet">acknowledged ${ago(by.at)} by ${actor(by, names)}${by.reason ? html`: ${quoted(by.reason)}` : ''}</span></span></li>
`
  return html`<section aria-labelledby="seen">
<h2 id="seen">Acknowledged reused tokens</h2>
<div class="panel">${folded([...seen.values()], row)}</div>
</section>`
}

function sessionList(sessions: Session[]): SafeHtml {
  const row = (session: Session) => html`<li>${deviceIcon(session)}
<span>${sessionFacts(session)}</span></li>
`
  return html`<div class="panel">${folded(sessions, row)}</div>`
}

/** The sessions with a box each, and one button for those that are ticked. */
function chooseSessions(userId: string, sessions: Session[]): SafeHtml {
  const row = (
    session: Session,
  ) => html`<li><label class="choose"><input type="checkbox" name="session" value="${session.id}">${deviceIcon(session)}
<span>${sessionFacts(session)}</span></label></li>
`
  return html`<form method="get" action="/admin/user/end">
<input type="hidden" name="id" value="${userId}">
<div class="panel">${folded(sessions, row)}</div>
<div class="actions"><button>End the ticked sessions…</button></div>
</form>`
}

/** The way to the other pages of the sessions. */
function sessionPages({ user, sessions, sessionCount, next }: Account, isFirst: boolean): SafeHtml {
  if (isFirst && !next) return html``
  const more = next && `/admin/user?${new URLSearchParams({ id: user.id, cursor: next })}`
  return html`${isFirst ? html`<p class="quiet">and ${(sessionCount - sessions.length).toLocaleString('en')} more, seen less recently</p>` : ''}
<nav class="actions" aria-label="Pages of sessions">
${isFirst ? '' : html`<a class="button" href="${userHref(user.id)}">Seen last</a>`}
${more ? html`<a class="button" href="${more}">Seen before these</a>` : ''}
</nav>`
}

/** The first rows, and the rest folded. */
function folded<Row>(rows: Row[], draw: (row: Row) => SafeHtml, kind = 'rows'): SafeHtml {
  const list = (some: Row[]) => html`<ul class="${kind}" role="list">
${some.map(draw)}</ul>`
  if (rows.length <= UNFOLDED) return list(rows)
  return html`${list(rows.slice(0, UNFOLDED))}
<details><summary>${(rows.length - UNFOLDED).toLocaleString('en')} more</summary>${list(rows.slice(UNFOLDED))}</details>`
}

/** Revocations grouped by operation, latest first. An operation on this user alone states how many it ended, listed or not. */
function revocationList(revocations: Revocation[], userId: string, names: DisplayNames): SafeHtml {
  const groups: { operation: Operation | null; at: Date; sessions: RevokedSession[] }[] = []
  for (const { session, operation } of revocations) {
    const last = groups.at(-1)
    if (last && last.operation?.id === operation?.id && (operation || +last.at === +session.revokedAt))
      last.sessions.push(session)
    else groups.push({ operation, at: session.revokedAt, sessions: [session] })
  }
  const row = ({ operation, at, sessions }: (typeof groups)[number]) => {
    const total = operation?.userId === userId ? operation.revokedCount : sessions.length
    return html`<li class="entry${operation ? '' : ' external'}">
<p class="when">${ago(at)}</p>
<div class="what">
<p><strong>${operation ? html`<a href="/admin/operation?id=${operation.id}">${operationLabel(operation.kind, operation.scope)}</a>` : 'Ended outside the service'}</strong></p>
${operation?.reason ? html`<p class="reason">${quoted(operation.reason)}</p>` : ''}
<p class="quiet">${operation ? html`by ${actor(operation, names)}${operation.userAgent ? html` · ${nameOf(ENGLISH, operation)}` : ''}` : 'Deleted by SQL, a foreign-key cascade or another program; no actor was recorded.'}</p>
${deviceNames(ENGLISH, sessions, total)}
</div>
<p class="number"><strong>${total.toLocaleString('en')}</strong> ended</p>
</li>
`
  }
  return html`<div class="panel">${folded(groups, row, 'entries')}</div>`
}
