/** Before reused tokens are acknowledged: why they need no further look. */
import { html, type SafeHtml } from '@remix-run/html-template'
import type { DisplayNames } from '../../display-names.ts'
import { consolePage, type Viewer } from '../../views/frame.ts'
import { errorSummary, type FormErrors, quoted, reasonField, userHref } from '../../views/parts.ts'
import { oldSignInWarning } from '../../views/retry-page.ts'

export interface AcknowledgePage {
  viewer: Viewer
  id: string
  /** The newest record that was seen. */
  until?: string | undefined
  names: DisplayNames
  /** Whether the viewer's sign-in is recent enough. */
  isRecent: boolean
  entered: { reason?: string | undefined }
  errors: FormErrors
}

export function acknowledgePage({
  viewer,
  id,
  until,
  names,
  isRecent,
  entered,
  errors,
}: AcknowledgePage): SafeHtml {
  const name = names.get(id) ?? id
  return consolePage({
    title: `Acknowledge reused tokens of ${name}`,
    viewer,
    section: 'users',
    card: 'enter',
    body: html`
<h1>Acknowledge reused tokens of ${quoted(name)}</h1>
${errorSummary(errors, { reason: 'Reason' })}
<p class="lead">They stay in the record, with your name and reason, and are no alarm any more. A later use is one again.</p>
${oldSignInWarning(isRecent, viewer)}
<form method="post" action="/admin/user/acknowledge?${String(new URLSearchParams({ id, ...(until && { until }) }))}">
${reasonField(entered.reason, errors)}
<div class="actions">
<button class="primary">Acknowledge</button>
<a class="button" href="${userHref(id)}">Cancel</a>
</div>
</form>`,
  })
}
