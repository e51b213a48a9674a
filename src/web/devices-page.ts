/** `/`: every device the user is signed in on, this one first, each with a way to end it. */
import { html, type SafeHtml } from '@remix-run/html-template'
import { describeDevice } from '../sessions/devices.ts'
import type { Operation, RevokedSession, Session, User } from '../storage/schema.ts'
import { deviceIcon } from './icons.ts'
import { layout } from './layout.ts'
import { ended } from './parts.ts'
import { ago, count, nameOf } from './words.ts'

export interface DevicesPage {
  user: User
  current: Session
  sessions: Session[]
  /** How many are listed at most. */
  listed: number
  /** What the last logout from this browser ended. */
  outcome: { operation: Operation; revoked: RevokedSession[] } | null
}

export function devicesPage({ user, current, sessions, listed, outcome }: DevicesPage): SafeHtml {
  const others = sessions.filter(({ id }) => id !== current.id)
  const shown = others.slice(0, listed)
  const hidden = others.length - shown.length
  return layout({
    title: 'Your devices',
    user,
    announce: outcome !== null,
    body: html`
${outcome ? html`<section class="notice" role="status"><h2>Signed out</h2>${ended(outcome)}</section>` : ''}
<h1>Your devices</h1>
<p class="lead">${others.length === 0 ? 'You are signed in on this device only.' : `You are signed in on ${count(sessions.length, 'device')}. If you do not recognise one, log it out.`}</p>
<ul class="devices">
${device(current, true)}
${shown.map((session) => device(session, false))}
</ul>
${hidden > 0 ? html`<p>And ${count(hidden, 'more device')}. To end them, log out everywhere.</p>` : ''}
<nav class="actions" aria-label="Log out">
<a class="button" href="/logout?scope=local">Log out here</a>
${others.length > 0 ? html`<a class="button" href="/logout?scope=others">Log out all others</a>` : ''}
<a class="button danger" href="/logout?scope=global">Log out everywhere</a>
</nav>`,
  })
}

function device(session: Session, current: boolean): SafeHtml {
  const name = nameOf(session)
  return html`<li class="device${current ? ' current' : ''}">
${deviceIcon(describeDevice(session.userAgent))}
<div>
<h2>${name}</h2>
<p>${session.ipAddress ? html`${session.ipAddress} · ` : ''}${current ? 'last seen now' : html`last seen ${ago(session.lastSeenAt)}`}${current ? html` · <strong class="badge">this device</strong>` : ''}</p>
<p class="since">signed in ${ago(session.createdAt)}</p>
</div>
${current ? '' : html`<form method="post" action="/sessions/${session.id}/end"><button aria-label="Log out ${name}${session.ipAddress ? `, ${session.ipAddress}` : ''}">Log out</button></form>`}
</li>`
}
