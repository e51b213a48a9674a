/** `/`: every device on which the user is signed in, this one first, each with a button to sign it out. */
import { html, type SafeHtml } from '@remix-run/html-template'
import { ago, count } from '../../ui/format.ts'
import { layout } from '../../ui/layout.ts'
import type { Session, User } from '../schema.ts'
import type { SessionPage } from '../session-list.ts'
import { deviceIcon, nameOf, plainNameOf } from './device.ts'
import { type Ended, endedNames, endedTitle } from './parts.ts'

/** A page of the other sessions of a user. */
export interface OtherSessions extends SessionPage {
  /** How many there are on all pages. */
  total: number
  /** The hash of all, by which the page sees changes. */
  hash: string
}

export interface DevicesPage {
  user: User
  current: Session
  others: OtherSessions
  /** Whether this is the first page. */
  isFirst: boolean
  /** What the last logout in this browser ended. */
  outcome: Ended | null
  /** Whether the user is security staff. */
  staff: boolean
}

export function devicesPage({
  user,
  current,
  others: { sessions, total, next, hash },
  isFirst,
  outcome,
  staff,
}: DevicesPage): SafeHtml {
  const hasOthers = total > 0
  return layout({
    title: outcome ? `${endedTitle(outcome)} · Your devices` : 'Your devices',
    user,
    current,
    shown: hash,
    staff,
    announce: outcome !== null,
    body: html`
<h1>Your devices</h1>
${outcome ? html`<section class="notice" aria-labelledby="outcome"><h2 id="outcome">${endedTitle(outcome)}</h2>${endedNames(outcome)}</section>` : ''}
<p class="lead">${
      hasOthers
        ? `You are signed in on ${count(total + 1, 'device')}. If you do not recognise a device, sign it out.`
        : 'You are signed in on this device only.'
    }</p>
<nav class="actions" aria-label="Sign out">
<a class="button${hasOthers ? ' danger' : ''}" href="/logout?scope=global">Sign out everywhere</a>
${hasOthers ? html`<a class="button" href="/logout?scope=others">Sign out all others</a>` : ''}
<a class="button" href="/logout?scope=local">Sign out here</a>
</nav>
<section aria-labelledby="here">
<h2 id="here">This device</h2>
<ul class="devices" role="list">${device(current, true)}</ul>
</section>
<section aria-labelledby="others">
<h2 id="others">Other devices</h2>
${
  sessions.length > 0
    ? html`<ul class="devices" role="list">
${sessions.map((session) => device(session))}</ul>`
    : html`<p class="empty">${isFirst ? 'No other device is signed in to your account.' : 'No more devices.'}</p>`
}
${isFirst && next ? html`<p class="quiet">And ${count(total - sessions.length, 'more device')}, seen less recently. “Sign out all others” includes them.</p>` : ''}
${
  isFirst && !next
    ? ''
    : html`<nav class="actions" aria-label="Pages">
${isFirst ? '' : html`<a class="button" href="/devices">Seen last</a>`}
${next ? html`<a class="button" href="/devices?${String(new URLSearchParams({ cursor: next }))}">Seen before these</a>` : ''}
</nav>`
}
</section>`,
  })
}

function device(session: Session, current = false): SafeHtml {
  const { ipAddress: address } = session
  return html`<li class="device${current ? ' current' : ''}">
${deviceIcon(session)}
<h3>${nameOf(session)}</h3>
<p>${address ? html`<span class="address">${address}</span> · ` : ''}last seen ${current ? 'just now' : ago(session.lastSeenAt)}<br>
<span class="since">signed in ${ago(session.createdAt)}</span></p>
${
  current
    ? html`<strong class="badge">this device</strong>`
    : html`<form method="post" action="/sessions/${session.id}/end"><button aria-label="Sign out ${plainNameOf(session)}${address ? `, ${address}` : ''}">Sign out</button></form>`
}
</li>
`
}
