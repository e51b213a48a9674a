/** An active session in the console: its device, address, times and id. */
import { html, type SafeHtml } from '@remix-run/html-template'
import type { Session } from '../../../sessions/schema.ts'
import { givenNameOf } from '../../../sessions/views/device.ts'
import { ENGLISH } from '../../../ui/view.ts'
import { agent, ago } from '../../views/parts.ts'

export function sessionFacts(session: Session): SafeHtml {
  return html`<strong>${givenNameOf(ENGLISH, session)}</strong>${session.ipAddress ? html` <span class="address">· ${session.ipAddress}</span>` : ''}<br>
<span class="quiet">last seen ${ago(session.lastSeenAt)}, signed in ${ago(session.createdAt)} · <span class="id">${session.id}</span></span>${agent(session.userAgent)}`
}
