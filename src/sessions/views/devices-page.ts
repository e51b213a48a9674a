/** `/`: every device on which the user is signed in, this one first, each with a button to sign it out. */
import { html, type SafeHtml } from '@remix-run/html-template'
import { ago, count } from '../../ui/format.ts'
import { layout } from '../../ui/layout.ts'
import type { Session, User } from '../schema.ts'
import { deviceIcon, nameOf, plainNameOf } from './device.ts'
import { type Ended, endedNames, endedTitle } from './parts.ts'

export interface DevicesPage {
  user: User
  current: Session
  sessions: Session[]
  /** The hash of the list, by which the page sees changes. */
  shown: string
  /** Most devices that the page lists. */
  listed: number
  /** What the last logout in this browser ended. */
  outcome: Ended | null
  /** Whether the user is security staff. */
  staff: boolean
}

export function devicesPage({
  user,
  current,
  sessions,
  shown,
  listed,
  outcome,
  staff,
}: DevicesPage): SafeHtml {
  const others = sessions.filter(({ id }) => id !== current.id)
  const hidden = others.length - listed
  return layout({
    title: outcome ? `${endedTitle(outcome)} · Your devices` : 'Your devices',
    user,
    current,
    shown,
    staff,
    announce: outcome !== null,
    body: html`
<h1>Your devices</h1>
${outcome ? html`<section class="notice" aria-labelledby="outcome"><h2 id="outcome">${endedTitle(outcome)}</h2>${endedNames(outcome)}</section>` : ''}
<p class="lead">${
      others.length > 0
        ? `You are signed in on ${count(others.length + 1, 'device')}. If you do not recognise a device, sign it out.`
        : 'You are signed in on this device only.'
    }</p>
<nav class="actions" aria-label="Sign out">
<a class="button${others.length > 0 ? ' danger' : ''}" href="/logout?scope=global">Sign out everywhere</a>
${others.length > 0 ? html`<a class="button" href="/logout?scope=others">Sign out all others</a>` : ''}
<a class="button" href="/logout?scope=local">Sign out here</a>
</nav>
<section aria-labelledby="here">
<h2 id="here">This device</h2>
<ul class="devices" role="list">${device(current, true)}</ul>
</section>
<section aria-labelledby="others">
<h2 id="others">Other devices</h2>
${
  others.length > 0
    ? html`<ul class="devices" role="list">
${others.slice(0, listed).map((session) => device(session))}</ul>`
    : html`<p class="empty">No other device is signed in to your account.</p>`
}
${hidden > 0 ? html`<p class="quiet">And ${count(hidden, 'more device')}, seen less recently. “Sign out all others” includes them.</p>` : ''}
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
