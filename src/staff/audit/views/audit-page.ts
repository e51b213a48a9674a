/** `/admin/audit`: all operations and external revocations, newest first, and the chain head. */
import { html, type SafeHtml } from '@remix-run/html-template'
import { AUDIT_KINDS, operationLabel } from '../../../operations/kinds.ts'
import { stamp } from '../../../ui/format.ts'
import type { DisplayNames } from '../../display-names.ts'
import { consolePage, type Viewer } from '../../views/frame.ts'
import { errorSummary, type FormErrors, field, timeField } from '../../views/parts.ts'
import type { AuditPage } from '../audit.ts'
import { entries } from './entries.ts'

interface AuditInput {
  user?: string | undefined
  actor?: string | undefined
  kind?: string | undefined
  since?: string | undefined
  until?: string | undefined
}

export interface AuditView {
  viewer: Viewer
  entered: AuditInput
  errors: FormErrors
  page: AuditPage
  /** Whether this is not the first page. */
  further: boolean
  names: DisplayNames
  /** The chain head, `seq:hash`. */
  head: string
}

const LABELS = {
  user: 'User',
  actor: 'Actor',
  kind: 'Action',
  since: 'From (UTC)',
  until: 'Before (UTC)',
  cursor: 'Page',
}

export function auditPage({ viewer, entered, errors, page, further, names, head }: AuditView): SafeHtml {
  const given = Object.entries(entered).filter((pair): pair is [string, string] => Boolean(pair[1]))
  const query = (more: Record<string, string> = {}) =>
    new URLSearchParams({ ...Object.fromEntries(given), ...more })
  const csv = query().toString()
  return consolePage({
    title: 'Audit log',
    viewer,
    section: 'audit',
    body: html`
<h1>Audit log</h1>
${errorSummary(errors, LABELS)}
${filters(entered, errors)}
<section aria-labelledby="entries">
<div class="heading">
<h2 id="entries">${further ? 'Older entries' : given.length > 0 ? 'Matching entries, newest first' : 'All entries, newest first'}</h2>
<p><a href="/admin/audit.csv${csv && `?${csv}`}">Download as CSV</a></p>
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

function filters(entered: AuditInput, errors: FormErrors): SafeHtml {
  const time = (name: 'since' | 'until') =>
    timeField({ name, label: LABELS[name], value: entered[name] }, errors)
  const input = (name: keyof AuditInput, hint: string) =>
    field(
      {
        name,
        label: LABELS[name],
        hint,
        control: (attributes) =>
          html`<input ${attributes} type="text" value="${entered[name] ?? ''}" autocomplete="off" spellcheck="false">`,
      },
      errors,
    )
  const choice = (value: string, label: string) =>
    html`<option value="${value}"${value === (entered.kind ?? '') ? html` selected` : ''}>${label}</option>`
  const given = (Object.keys(entered) as (keyof AuditInput)[]).filter((name) => entered[name])
  // Folded, so that phones show the entries first.
  return html`<details class="panel chain"${Object.keys(errors).length > 0 ? html` open` : ''}>
<summary>${given.length > 0 ? `Filtered by: ${given.map((name) => LABELS[name]).join(', ')}` : 'Filter by action, user, actor and time'}</summary>
<form method="get" action="/admin/audit" class="filters" role="search" aria-label="Filter the audit log">
${field(
  {
    name: 'kind',
    label: LABELS.kind,
    control: (attributes) =>
      html`<select ${attributes}>${choice('', 'Any action')}${AUDIT_KINDS.map((kind) => choice(kind, operationLabel(kind)))}</select>`,
  },
  errors,
)}
${input('user', 'Exact id of the affected user')}
${input('actor', 'Exact id of the user or key that acted')}
${time('since')}
${time('until')}
<div class="actions"><button class="primary">Filter</button><a class="button" href="/admin/audit">Clear the filter</a></div>
</form>
</details>`
}

function chain(head: string): SafeHtml {
  const [seq = '0', hash = ''] = head.split(':')
  return html`<details class="panel chain">
<summary>Verify integrity: the chain head is link ${Number(seq).toLocaleString('en')}, <span class="id">${hash.slice(0, 12)}…</span></summary>
<p>Each operation is chained to the one before. Store this chain head outside this system:</p>
<dl class="facts"><dt>Link</dt><dd>${Number(seq).toLocaleString('en')}</dd><dt>Hash</dt><dd class="id">${hash}</dd></dl>
<p>To verify the log later, run this on a machine that reaches the database:</p>
<pre><code>global-logout audit verify --expect ${head}</code></pre>
</details>`
}
