/** Entries of the audit log as a list, for the audit page and the overview. */
import { html, type SafeHtml } from '@remix-run/html-template'
import { operationLabel } from '../../../operations/kinds.ts'
import { nameOf } from '../../../sessions/views/device.ts'
import { ENGLISH } from '../../../ui/view.ts'
import type { DisplayNames } from '../../display-names.ts'
import { actor, ago, quoted, userLink } from '../../views/parts.ts'
import type { AuditEntry } from '../audit.ts'

export type Shown = Omit<AuditEntry, 'requestId' | 'waitedMs' | 'actorSessionId'>

/** One entry of the audit: when, what, to whom, by whom, why, from where. */
function entry(shown: Shown, names: DisplayNames, when: (date: Date) => SafeHtml = ago): SafeHtml {
  const { id, kind, at, userId, reason, revokedCount, ipAddress, userAgent, erasedBy } = shown
  const external = kind === 'external'
  const what = external ? 'Sessions ended outside the service' : operationLabel(kind, shown.scope)
  const incident = planIdOf(shown)
  return html`<li class="entry${external ? ' external' : ''}">
<p class="when">${when(at)}</p>
<div class="what">
<p><strong>${id ? html`<a href="/admin/operation?id=${id}">${what}</a>` : what}</strong>${userId && userId !== shown.actorId ? html` of ${userLink(userId, names)}` : ''}</p>
${erasedBy ? html`<p class="quiet">A person was <a href="/admin/operation?id=${erasedBy}">erased</a> from this entry.</p>` : ''}
${reason ? html`<p class="reason">${quoted(reason)}</p>` : ''}
${external ? html`<p class="quiet">Deleted by SQL, a foreign-key cascade or another program; no actor was recorded.</p>` : html`<p class="quiet">by ${actor(shown, names)}${ipAddress ? html` <span class="address">· ${ipAddress}</span>` : ''}${userAgent ? html` · ${nameOf(ENGLISH, { userAgent })}` : ''}${incident ? html` · <a href="/admin/incidents/${incident}">its incident</a>` : ''}</p>`}
</div>
<p class="number">${revokedCount > 0 || external ? html`<strong>${revokedCount.toLocaleString('en')}</strong> ended` : ''}</p>
</li>
`
}

/** The incident that an operation belongs to. */
export function planIdOf({ kind, result }: Pick<AuditEntry, 'kind' | 'result'>): string | null {
  const planId = kind.startsWith('incident.') ? (result as { planId?: unknown } | null)?.planId : null
  return typeof planId === 'string' ? planId : null
}

export function entries(shown: Shown[], names: DisplayNames, when?: (date: Date) => SafeHtml): SafeHtml {
  return html`<ol class="panel entries" role="list">
${shown.map((one) => entry(one, names, when))}</ol>`
}
