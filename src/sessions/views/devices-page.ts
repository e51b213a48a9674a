/** `/`: every device on which the user is signed in, this one first, each with a button to sign it out. */
import { html, type SafeHtml } from '@remix-run/html-template'
import { backToApp, layout } from '../../ui/layout.ts'
import type { PageView } from '../../ui/view.ts'
import type { RecentlyEnded } from '../ended.ts'
import type { PlaceOf } from '../places.ts'
import type { Session, User } from '../schema.ts'
import type { SessionPage } from '../session-list.ts'
import { deviceRow, deviceRows } from './device-row.ts'
import { type Ended, endedNames, endedTitle } from './parts.ts'
import { pastDevices } from './past-devices.ts'

/** A page of the other sessions of a user. */
export interface OtherSessions extends SessionPage {
  /** How many there are on all pages. */
  total: number
  /** The hash of all, by which the page sees changes. */
  hash: string
}

export interface DevicesPage {
  view: PageView
  user: User
  current: Session
  others: OtherSessions
  /** What was signed out lately. */
  past: RecentlyEnded[]
  placeOf: PlaceOf
  /** A device that signed in later is new since the last visit; null at the first visit. */
  newAfter: Date | null
  /** Whether this is the first page. */
  isFirst: boolean
  /** What the last logout in this browser ended. */
  outcome: Ended | null
  /** Whether the user is security staff. */
  staff: boolean
}

export function devicesPage({
  view,
  user,
  current,
  others: { sessions, total, next, hash },
  past,
  placeOf,
  newAfter,
  isFirst,
  outcome,
  staff,
}: DevicesPage): SafeHtml {
  const { text, say } = view
  const hasOthers = total > 0
  const title = text('devices.title')
  const [here, ...others] = deviceRows(view, [current, ...sessions], placeOf)
  return layout({
    view,
    title: outcome ? `${endedTitle(view, outcome)} · ${title}` : title,
    user,
    current,
    shown: hash,
    staff,
    announce: outcome !== null,
    body: html`
<h1>${title}</h1>
${outcome ? html`<section class="notice" aria-labelledby="outcome"><h2 id="outcome">${endedTitle(view, outcome)}</h2>${endedNames(view, outcome)}</section>` : ''}
<p class="lead">${hasOthers ? say('devices.lead', { count: total + 1 }) : say('devices.only')}</p>
<nav class="actions" aria-label="${text('frame.sign-out')}">
${
  hasOthers
    ? html`<a class="button danger" href="/logout?scope=global">${say('devices.everywhere')}</a>
<a class="button" href="/logout?scope=others">${say('devices.others')}</a>
<a class="button" href="/logout?scope=local">${say('devices.local')}</a>`
    : html`<a class="button" href="/logout?scope=global">${say('frame.sign-out')}</a>`
}
</nav>
<section aria-labelledby="here">
<h2 id="here">${say('devices.here')}</h2>
<ul class="devices" role="list">${here ? deviceRow(view, here, { current: true }) : ''}</ul>
</section>
<section aria-labelledby="others">
<h2 id="others">${say('devices.elsewhere')}</h2>
${
  sessions.length > 0
    ? html`<ul class="devices" role="list">
${others.map((row) => deviceRow(view, row, { isNew: newAfter !== null && row.session.createdAt > newAfter }))}</ul>`
    : html`<p class="empty">${isFirst ? say('devices.none') : say('devices.end')}</p>`
}
${isFirst && next ? html`<p class="quiet">${say('devices.more', { count: total - sessions.length })}</p>` : ''}
${
  isFirst && !next
    ? ''
    : html`<nav class="actions" aria-label="${text('devices.pages')}">
${isFirst ? '' : html`<a class="button" href="/devices">${say('devices.newest')}</a>`}
${next ? html`<a class="button" href="/devices?${String(new URLSearchParams({ cursor: next }))}">${say('devices.older')}</a>` : ''}
</nav>`
}
</section>
${past.length > 0 ? pastDevices(view, past, placeOf) : ''}
${view.site.url ? html`<nav class="actions" aria-label="${text('frame.continue')}">${backToApp(view)}</nav>` : ''}`,
  })
}
