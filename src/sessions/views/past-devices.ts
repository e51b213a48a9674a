/** The devices that were signed out in the last 28 days, with the reason. */
import { html, type SafeHtml } from '@remix-run/html-template'
import type { MessageKey } from '../../ui/messages/en.ts'
import type { View } from '../../ui/view.ts'
import { rowsOf } from '../device-rows.ts'
import { type EndReason, RECENT_DAYS, type RecentlyEnded } from '../ended.ts'
import type { PlaceOf } from '../places.ts'
import { deviceIcon, givenNameOf, nameOf, placeText, plainNameOf } from './device.ts'

/** Rows that are shown at once; the rest is collapsed. */
const VISIBLE = 5

const REASONS: Record<EndReason, MessageKey> = {
  signed_out: 'past.itself',
  signed_out_elsewhere: 'past.elsewhere',
  replaced: 'past.replaced',
  security_team: 'past.staff',
  other: 'past.other',
}

export function pastDevices(view: View, past: RecentlyEnded[], placeOf: PlaceOf): SafeHtml {
  const { language } = new Intl.Locale(view.locale)
  const rows = rowsOf(
    past.map(({ session, ...why }) => ({
      ...session,
      ...why,
      id: session.sessionId,
      place: placeText(view, placeOf(session, language)),
    })),
    ({ deviceName, place, ipAddress, revokedAt, reason, endedFrom, ...session }) => [
      ...[deviceName, plainNameOf(view, session), place, ipAddress, revokedAt.toISOString().slice(0, 16)],
      ...[reason, reason === 'signed_out_elsewhere' && plainNameOf(view, { userAgent: endedFrom })],
    ],
  )
  const draw = ({ session, toTheSecond, shortId }: (typeof rows)[number]) => {
    const { place, ipAddress, revokedAt, createdAt, reason, endedFrom } = session
    const device = nameOf(view, { userAgent: endedFrom })
    return html`<li>${deviceIcon(session)}<span>${givenNameOf(view, session)}${place ? html` · <bdi>${place}</bdi>` : ''}${ipAddress ? html` <span class="address">· <bdi>${ipAddress}</bdi></span>` : ''}<br>
<span class="since">${view.say('past.when', { when: view.when(revokedAt) })} · ${view.say(REASONS[reason], { device })}${toTheSecond ? html` · ${view.say('device.since', { when: view.on(createdAt, true) })}` : ''}${shortId ? html` · ${view.say('device.id', { id: shortId })}` : ''}</span></span></li>
`
  }
  const list = (some: typeof rows) => html`<ul class="names" role="list">
${some.map(draw)}</ul>`
  return html`<section aria-labelledby="past">
<h2 id="past">${view.say('past.title', { days: RECENT_DAYS })}</h2>
${list(rows.slice(0, VISIBLE))}
${rows.length > VISIBLE ? html`<details><summary>${view.say('ended.more', { count: rows.length - VISIBLE })}</summary>${list(rows.slice(VISIBLE))}</details>` : ''}
</section>`
}
