/** Page parts that several pages share: lists of devices, and the result of a logout. */
import { html, type SafeHtml } from '@remix-run/html-template'
import type { Operation, RevokedSession } from '../../operations/schema.ts'
import { backToApp } from '../../ui/layout.ts'
import type { PageView, View } from '../../ui/view.ts'
import type { Session } from '../schema.ts'
import { deviceIcon, nameOf } from './device.ts'

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
  const devices = revoked.map(({ sessionId, ...device }) => ({
    ...device,
    here: sessionId === operation.actorSessionId,
  }))
  return deviceNames(
    view,
    devices.sort((a, b) => Number(b.here) - Number(a.here)),
    operation.revokedCount,
  )
}

type Named = Pick<Session, 'userAgent' | 'ipAddress'> & { here?: boolean }

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
  return html`<ul class="names" role="list">
${devices.map(
  (
    device,
  ) => html`<li>${deviceIcon(device)}<span>${nameOf(view, device)}${addressOf(device)}${device.here ? html` · <strong>${view.say('device.this')}</strong>` : ''}</span></li>
`,
)}</ul>`
}

function addressOf({ ipAddress }: Named): SafeHtml | '' {
  return ipAddress ? html` <span class="address">· <bdi>${ipAddress}</bdi></span>` : ''
}
