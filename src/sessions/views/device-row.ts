/** A device in the list: what it is, where, since when, and as much more as tells it from every other row. */
import { html, type SafeHtml } from '@remix-run/html-template'
import { quoted } from '../../ui/format.ts'
import type { View } from '../../ui/view.ts'
import { type Row, rowsOf } from '../device-rows.ts'
import { describeDevice, deviceName } from '../devices.ts'
import type { PlaceOf } from '../places.ts'
import type { Session } from '../schema.ts'
import { deviceIcon, methodText, nameOf, placeText, plainNameOf } from './device.ts'

/** A session with its place, in the language of the reader. */
type Placed = Session & { place: string | null }

export function deviceRows(view: View, sessions: Session[], placeOf: PlaceOf): Row<Placed>[] {
  const { language } = new Intl.Locale(view.locale)
  const placed = sessions.map((session) => ({
    ...session,
    place: placeText(view, placeOf(session, language)),
  }))
  return rowsOf(placed, (session) => [
    session.deviceName,
    deviceName(describeDevice(session.userAgent), { version: true, view }),
    session.place,
    session.ipAddress,
    session.signInMethod,
    session.createdAt.toISOString().slice(0, 16),
  ])
}

export function deviceRow(
  view: View,
  { session, toTheSecond, shortId }: Row<Placed>,
  { current = false, isNew = false } = {},
): SafeHtml {
  const { text, say, when } = view
  const { id, ipAddress: address, deviceName: given, signInMethod: method } = session
  const program = nameOf(view, session, { version: true })
  const label = [given, plainNameOf(view, session), address].filter(Boolean).join(', ')
  return html`<li class="device${current ? ' current' : ''}">
${deviceIcon(session)}
<h3><a href="/sessions/${id}">${given === null ? program : quoted(given)}</a></h3>
<p id="about-${id}">${isNew ? html`<strong class="new">${say('device.new')}</strong><br>` : ''}
${joined([given === null ? null : program, session.place && html`<bdi>${session.place}</bdi>`, address && html`<bdi class="address">${address}</bdi>`])}
${say('device.seen', { when: current ? text('frame.now') : when(session.lastSeenAt) })}<br>
<span class="since">${say('device.since', { when: when(session.createdAt, toTheSecond) })}${method ? html` · ${methodText(view, method)}` : ''}${shortId ? html` · ${say('device.id', { id: shortId })}` : ''}</span></p>
${
  current
    ? html`<strong class="badge">${say('device.this')}</strong>`
    : html`<a class="button end" href="/sessions/${id}/end" aria-label="${text('device.sign-out', { device: label })}" aria-describedby="about-${id}">${say('frame.sign-out')}</a>`
}
</li>
`
}

/** The parts that there are, on a line of their own. */
function joined(parts: (SafeHtml | string | null)[]): SafeHtml | '' {
  const [first, ...rest] = parts.filter((part) => part !== null && part !== '')
  if (!first) return ''
  return html`${first}${rest.map((part) => html` · ${part}`)}<br>`
}
