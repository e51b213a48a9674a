/** Page parts that several pages share: lists of devices, and the result of a logout. */
import { html, type SafeHtml } from '@remix-run/html-template'
import type { Operation, RevokedSession } from '../../operations/schema.ts'
import { backToApp } from '../../ui/layout.ts'
import type { PageView, View } from '../../ui/view.ts'
import { type Row, rowsOf } from '../device-rows.ts'
import type { Session } from '../schema.ts'
import { deviceIcon, givenNameOf, plainNameOf } from './device.ts'

/** Devices that a list shows; the rest is collapsed. */
const VISIBLE = 6

export interface Ended {
  operation: Operation
  /** The listed sessions; `operation.revokedCount` is the total. */
  revoked: RevokedSession[]
}

/** Links to the sign-in and back to the application, as far as they are known. */
export function waysOn(view: PageView, signInHref: string | null): SafeHtml {
  const { text, say, site } = view
  if (!signInHref && !site.url) return html``
  return html`<nav class="actions" aria-label="${text('frame.continue')}">
${signInHref ? html`<a class="button primary" href="${signInHref}">${say('frame.sign-in')}</a>` : ''}
${backToApp(view, signInHref ? '' : ' primary')}</nav>`
}

/** "3 devices were signed out". */
export function endedTitle({ text }: View, { operation: { revokedCount } }: Ended): string {
  return text('ended.title', { count: revokedCount })
}

/** The names of the devices that an operation signed out, this device first. */
export function endedNames(view: View, { operation, revoked }: Ended): SafeHtml {
  const devices = revoked.map((device) => ({
    ...device,
    here: device.sessionId === operation.actorSessionId,
  }))
  return deviceNames(
    view,
    devices.sort((a, b) => Number(b.here) - Number(a.here)),
    operation.revokedCount,
  )
}

type Named = Pick<Session, 'deviceName' | 'userAgent' | 'ipAddress' | 'createdAt'> & { here?: boolean } & (
    | { sessionId: string }
    | { id: string }
  )

/** "Firefox on Windows · 203.0.113.7", one per line. A long list is collapsed, and devices beyond it are counted. */
export function deviceNames(view: View, devices: Named[], total: number): SafeHtml {
  if (total <= VISIBLE) return names(view, devices)
  const hidden = total - devices.length
  return html`${names(view, devices.slice(0, VISIBLE))}
<details><summary>${view.say('ended.more', { count: total - VISIBLE })}</summary>
${names(view, devices.slice(VISIBLE))}
${hidden > 0 ? html`<p class="quiet">${view.say('ended.uncounted', { count: hidden })}</p>` : ''}
</details>`
}

function names(view: View, devices: Named[]): SafeHtml {
  if (devices.length === 0) return html``
  const rows = rowsOf(
    devices.map((device) => ({ ...device, id: 'sessionId' in device ? device.sessionId : device.id })),
    (device) => [device.deviceName, plainNameOf(view, device), device.ipAddress, device.here ?? false],
  )
  return html`<ul class="names" role="list">
${rows.map(
  ({ session: device, ...more }) =>
    html`<li>${deviceIcon(device)}<span>${givenNameOf(view, device)}${addressOf(device)}${apart(view, device, more)}${device.here ? html` · <strong>${view.say('device.this')}</strong>` : ''}</span></li>
`,
)}</ul>`
}

/** What tells a device from another one that looks the same. */
function apart(
  view: View,
  { createdAt }: Named,
  { toTheSecond, shortId }: Omit<Row<unknown>, 'session'>,
): SafeHtml | '' {
  if (!toTheSecond) return ''
  const since = view.say('device.since', { when: view.on(createdAt, true) })
  return html` <span class="quiet">· ${since}${shortId ? html` · ${view.say('device.id', { id: shortId })}` : ''}</span>`
}

function addressOf({ ipAddress }: Named): SafeHtml | '' {
  return ipAddress ? html` <span class="address">· <bdi>${ipAddress}</bdi></span>` : ''
}
