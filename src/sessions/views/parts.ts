/** Page parts that several pages share: lists of devices, and the result of a logout. */
import { html, type SafeHtml } from '@remix-run/html-template'
import type { Operation, RevokedSession } from '../../operations/schema.ts'
import { count } from '../../ui/format.ts'
import type { Session } from '../schema.ts'
import { deviceIcon, nameOf } from './device.ts'

/** Devices that a list shows; the rest is collapsed. */
const VISIBLE = 6

export interface Ended {
  operation: Operation
  /** The listed sessions; `operation.revokedCount` is the total. */
  revoked: RevokedSession[]
}

/** "3 devices were signed out". */
export function endedTitle({ operation: { revokedCount: n } }: Ended): string {
  if (n === 0) return 'No other device was signed in'
  return `${count(n, 'device')} ${n === 1 ? 'was' : 'were'} signed out`
}

/** The names of the devices that an operation signed out, this device first. */
export function endedNames({ operation, revoked }: Ended): SafeHtml {
  const devices = revoked.map(({ sessionId, ...device }) => ({
    ...device,
    here: sessionId === operation.actorSessionId,
  }))
  return deviceNames(
    devices.sort((a, b) => Number(b.here) - Number(a.here)),
    operation.revokedCount,
  )
}

type Named = Pick<Session, 'userAgent' | 'ipAddress'> & { here?: boolean }

/** "Firefox on Windows · 203.0.113.7", one per line. A long list is collapsed, and devices beyond it are counted. */
export function deviceNames(devices: Named[], total: number): SafeHtml {
  if (total <= VISIBLE) return names(devices)
  const hidden = total - devices.length
  return html`${names(devices.slice(0, VISIBLE))}
<details><summary>${count(total - VISIBLE, 'more device')}</summary>
${names(devices.slice(VISIBLE))}
${hidden > 0 ? html`<p class="quiet">and ${hidden.toLocaleString('en')} more</p>` : ''}
</details>`
}

function names(devices: Named[]): SafeHtml {
  if (devices.length === 0) return html``
  return html`<ul class="names" role="list">
${devices.map(
  (
    device,
  ) => html`<li>${deviceIcon(device)}<span>${nameOf(device)}${addressOf(device)}${device.here ? html` · <strong>this device</strong>` : ''}</span></li>
`,
)}</ul>`
}

function addressOf({ ipAddress }: Named): SafeHtml | '' {
  return ipAddress ? html` <span class="address">· ${ipAddress}</span>` : ''
}
