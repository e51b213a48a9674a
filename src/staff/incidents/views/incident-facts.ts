/** The facts of an incident: the reason, the selection in words, who planned it and who executed it. */
import { html, type SafeHtml } from '@remix-run/html-template'
import { count, stamp } from '../../../ui/format.ts'
import type { DisplayNames } from '../../display-names.ts'
import { actor, quoted, userLink } from '../../views/parts.ts'
import type { IncidentReport } from '../report.ts'
import type { ShownSelection } from '../schema.ts'
import { type NamedSelector, partsOf, type SelectorValue } from '../selectors.ts'

export function facts(incident: IncidentReport, names: DisplayNames): SafeHtml {
  const { reason, selection, plannedBy, plannedAt, executedBy, startedAt } = incident
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
)}<dt>Planned</dt><dd>by ${who(plannedBy)} · ${stamp(plannedAt)}</dd>
${executedBy && startedAt ? html`<dt>Executed</dt><dd>by ${who(executedBy)} · ${stamp(startedAt)}</dd>` : ''}
</dl>`
}

/** One part of the selection in words. */
function readPart(
  { kind, reads: [, before] }: NamedSelector,
  value: SelectorValue,
  selection: ShownSelection,
  names: DisplayNames,
): SafeHtml {
  if (value === true)
    return html`${before}${Object.keys(selection).length > 1 ? ' that matches the other fields' : ''}`
  if (typeof value !== 'string') return users(value, selection, names)
  if (kind === 'address') return html`${before} <span class="address">${value}</span>`
  if (kind === 'instant') return html`${before} ${stamp(new Date(value))}`
  return html`${before} “${quoted(value)}”`
}

function users(ids: string[], { userCount, userIdsSha256 }: ShownSelection, names: DisplayNames): SafeHtml {
  const n = userCount ?? ids.length
  if (n === 1) return userLink(ids[0] ?? '', names)
  return html`<details><summary>${count(n, 'id')}</summary><ul>${ids.map((id) => html`<li>${userLink(id, names)}</li>`)}</ul>${userCount ? html`<p class="quiet">… and more. SHA-256 of the whole list, one id per line: <span class="id">${userIdsSha256}</span></p>` : ''}</details>`
}
