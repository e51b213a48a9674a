/** `/admin/audit`: every operation, newest first, and what was ended outside the service; and where the chain ends. */
import { html, type SafeHtml } from '@remix-run/html-template'
import { AUDIT_KINDS, operationLabel } from '../../../operations/kinds.ts'
import { stamp } from '../../../ui/format.ts'
import type { Names } from '../../display-names.ts'
import { consolePage, type Viewer } from '../../views/frame.ts'
import { type Faults, faultList, field } from '../../views/parts.ts'
import type { AuditPage } from '../audit.ts'
import { entries } from './entries.ts'

export interface AuditEntered {
  user?: string | undefined
  actor?: string | undefined
  kind?: string | undefined
  since?: string | undefined
  until?: string | undefined
}

export interface AuditView {
  viewer: Viewer
  entered: AuditEntered
  faults: Faults
  page: AuditPage
  /** Whether this is not the first page. */
  further: boolean
  names: Names
  /** Where the chain ends, `seq:hash`. */
  head: string
}

const LABELS = {
  user: 'User',
  actor: 'By',
  kind: 'What',
  since: 'From (UTC)',
  until: 'Before (UTC)',
  cursor: 'Page',
}

export function auditPage({ viewer, entered, faults, page, further, names, head }: AuditView): SafeHtml {
  const given = Object.entries(entered).filter((pair): pair is [string, string] => Boolean(pair[1]))
  const query = (more: Record<string, string> = {}) =>
    new URLSearchParams({ ...Object.fromEntries(given), ...more })
  const csv = query().toString()
  return consolePage({
    title: 'Audit',
    viewer,
    section: 'audit',
    body: html`
<h1>Audit</h1>
${faultList(faults, LABELS)}
${filters(entered, faults)}
<section aria-labelledby="entries">
<div class="heading">
<h2 id="entries">${further ? 'Older entries' : given.length > 0 ? 'Entries that match, newest first' : 'Everything, newest first'}</h2>
<p><a href="/admin/audit.csv${csv && `?${csv}`}">All of this as CSV</a></p>
</div>
${page.entries.length > 0 ? entries(page.entries, names, stamp) : html`<p class="empty">No entry matches.</p>`}
<nav class="actions" aria-label="Pages">
${further ? html`<a class="button" href="/admin/audit${csv && `?${csv}`}">Newest</a>` : ''}
${page.next ? html`<a class="button" rel="next" href="/admin/audit?${query({ cursor: page.next }).toString()}">Older</a>` : ''}
</nav>
</section>
${chain(head)}`,
  })
}

function filters(entered: AuditEntered, faults: Faults): SafeHtml {
  const input = (name: keyof AuditEntered, hint?: string, type = 'text') =>
    field(
      {
        name,
        label: LABELS[name],
        ...(hint && { hint }),
        control: (attributes) =>
          html`<input ${attributes} type="${type}" value="${entered[name] ?? ''}" autocomplete="off" spellcheck="false"${type === 'datetime-local' ? html` step="1"` : ''}>`,
      },
      faults,
    )
  const choice = (value: string, label: string) =>
    html`<option value="${value}"${value === (entered.kind ?? '') ? html` selected` : ''}>${label}</option>`
  const given = (Object.keys(entered) as (keyof AuditEntered)[]).filter((name) => entered[name])
  // Folded, so that a phone shows what was found, and not the form again.
  return html`<details class="panel chain"${Object.keys(faults).length > 0 ? html` open` : ''}>
<summary>${given.length > 0 ? `Filtered by: ${given.map((name) => LABELS[name]).join(', ')}` : 'Filter by what, whom, who and when'}</summary>
<form method="get" action="/admin/audit" class="filters" role="search" aria-label="Filter the audit">
${field(
  {
    name: 'kind',
    label: LABELS.kind,
    control: (attributes) =>
      html`<select ${attributes}>${choice('', 'Anything')}${AUDIT_KINDS.map((kind) => choice(kind, operationLabel(kind)))}</select>`,
  },
  faults,
)}
${input('user', 'Whole id of the user it was about')}
${input('actor', 'Whole id of the user or key that did it')}
${input('since', undefined, 'datetime-local')}
${input('until', undefined, 'datetime-local')}
<div class="actions"><button class="primary">Filter</button><a class="button" href="/admin/audit">Show everything</a></div>
</form>
</details>`
}

function chain(head: string): SafeHtml {
  const [seq = '0', hash = ''] = head.split(':')
  return html`<details class="panel chain">
<summary>Is this record whole? The chain ends at link ${Number(seq).toLocaleString('en')}, <span class="id">${hash.slice(0, 12)}…</span></summary>
<p>Each operation is chained to the one before. Write the end of the chain down somewhere else:</p>
<dl class="facts"><dt>Link</dt><dd>${Number(seq).toLocaleString('en')}</dd><dt>Hash</dt><dd class="id">${hash}</dd></dl>
<p>Then, whenever you want to know, on a machine that reaches the database:</p>
<pre><code>global-logout audit verify --expect ${head}</code></pre>
</details>`
}
