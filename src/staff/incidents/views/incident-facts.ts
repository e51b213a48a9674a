/** The facts of an incident: the reason, the selection in words, who planned it and who executed it. */
import { html, type SafeHtml } from '@remix-run/html-template'
import { count, stamp } from '../../../ui/format.ts'
import type { DisplayNames } from '../../display-names.ts'
import { actor, quoted, userLink } from '../../views/parts.ts'
import { lockedUsers, lockSpan } from '../planned.ts'
import type { IncidentReport } from '../report.ts'
import type { ShownSelection } from '../schema.ts'
import { type NamedSelector, partsOf, type SelectorValue } from '../selectors.ts'

export function facts(incident: IncidentReport, names: DisplayNames): SafeHtml {
  const {
    reason,
    selection,
    plannedBy,
    plannedAt,
    executedBy,
    startedAt,
    approval,
    lock,
    usersToLock,
    locked,
  } = incident
  const who = ({ kind, id }: { kind: string; id: string | null }) =>
    actor({ actorKind: kind as 'staff', actorId: id }, names)
  return html`<dl class="panel facts">
<dt>Reason</dt><dd>${quoted(reason)}</dd>
${partsOf(selection).map(
  ([
    selector,
    value,
  ]) => html`<dt>${selector.reads[0]}</dt><dd>${readPart(selector, value, selection, names)}</dd>
`,
)}${selection.emailCount === undefined ? '' : html`<dt>Email addresses</dt><dd>${hiddenList(selection.emailCount)}</dd>`}
${lock ? html`<dt>Lock</dt><dd>Sign-in of ${lockedUsers(usersToLock)}, ${lockSpan(lock)}${executedBy ? `; ${count(locked, 'user')} locked` : ''}</dd>` : ''}
<dt>Planned</dt><dd>by ${who(plannedBy)} · ${stamp(plannedAt)}</dd>
${approval.by && approval.at ? html`<dt>Approved</dt><dd>by ${who(approval.by)} · ${stamp(approval.at)}</dd>` : ''}
${executedBy && startedAt ? html`<dt>Executed</dt><dd>by ${who(executedBy)} · ${stamp(startedAt)}</dd>` : ''}
</dl>`
}

/** One part of the selection in words. */
function readPart(
  { name, kind, reads: [, before] }: NamedSelector,
  value: SelectorValue,
  selection: ShownSelection,
  names: DisplayNames,
): SafeHtml {
  if (value === true)
    return html`${before}${Object.keys(selection).length > 1 ? ' that matches the other fields' : ''}`
  if (typeof value !== 'string') {
    const { userCount, userIdsSha256, sessionCount, sessionIdsSha256 } = selection
    return name === 'userIds'
      ? ids(value, userCount, userIdsSha256, (id) => userLink(id, names))
      : ids(value, sessionCount, sessionIdsSha256, (id) => html`<span class="id">${id}</span>`)
  }
  if (kind === 'address') return html`${before} <span class="address">${value}</span>`
  if (kind === 'instant') return html`${before} ${stamp(new Date(value))}`
  return html`${before} “${quoted(value)}”`
}

function ids(
  list: string[],
  whole: number | undefined,
  sha256: string | undefined,
  draw: (id: string) => SafeHtml,
): SafeHtml {
  const n = whole ?? list.length
  if (n === 1) return draw(list[0] ?? '')
  return html`<details><summary>${count(n, 'id')}</summary><ul>${list.map((id) => html`<li>${draw(id)}</li>`)}</ul>${whole ? html`<p class="quiet">… and more. ${hash(sha256)}</p>` : ''}</details>`
}

function hiddenList(n: number): SafeHtml {
  return html`${n.toLocaleString('en')} ${n === 1 ? 'address' : 'addresses'}`
}

function hash(sha256: string | undefined): SafeHtml {
  return html`SHA-256 of the whole list, one entry per line: <span class="id">${sha256}</span>`
}
