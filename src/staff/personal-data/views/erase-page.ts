/** Before a person is erased: what goes and what stays. And after. */
import { html, type SafeHtml } from '@remix-run/html-template'
import { count } from '../../../ui/format.ts'
import type { FoundUser } from '../../accounts/queries.ts'
import { consolePage, type Viewer } from '../../views/frame.ts'
import {
  emailAndId,
  errorSummary,
  type FormErrors,
  field,
  idQuery,
  quoted,
  reasonField,
  userHref,
} from '../../views/parts.ts'
import { oldSignInWarning } from '../../views/retry-page.ts'

export interface ErasePage {
  viewer: Viewer
  user: FoundUser
  sessionCount: number
  /** Whether the viewer's sign-in is recent enough. */
  isRecent: boolean
  entered: { reason?: string | undefined; confirm?: string | undefined }
  errors: FormErrors
}

export function erasePage({ viewer, user, sessionCount, isRecent, entered, errors }: ErasePage): SafeHtml {
  const name = user.name || user.email || user.id
  return consolePage({
    title: `Erase ${name}`,
    viewer,
    section: 'users',
    card: 'leave',
    body: html`
<h1>Erase ${quoted(name)}</h1>
<p class="quiet">${emailAndId(user)}</p>
${errorSummary(errors, { reason: 'Reason', confirm: 'Id of the user' })}
${
  user.role
    ? html`<p class="warn"><strong>This user has the role “${user.role}”.</strong> What staff did stays in the audit log. Take the role away first.</p>`
    : ''
}
<p class="lead">${count(sessionCount, 'session')} will end. Then name, email, id, addresses and programs are erased from everything that is kept, also from the audit log, which still verifies. This cannot be undone.</p>
<p>Delete the user in the application first: a sign-in after the erasure makes a new user.${user.lock ? html` The lock stays in force, and keeps the id.` : ''}</p>
<p><a href="/admin/user/export?${idQuery(user.id)}" download>Download the data before</a></p>
${oldSignInWarning(isRecent, viewer)}
<form method="post" action="/admin/user/erase?${idQuery(user.id)}">
${reasonField(entered.reason, errors)}
${field(
  {
    name: 'confirm',
    label: 'Id of the user',
    hint: `To confirm, type ${user.id}`,
    control: (attributes) =>
      html`<input ${attributes} type="text" value="${entered.confirm ?? ''}" required autocomplete="off" spellcheck="false">`,
  },
  errors,
)}
<div class="actions">
<button class="danger">Erase</button>
<a class="button" href="${userHref(user.id)}">Cancel</a>
</div>
</form>`,
  })
}

/** It does not name the user either: the address stays in the history of the browser. */
export function erasedPage({
  viewer,
  operationId,
}: {
  viewer: Viewer
  operationId: string | undefined
}): SafeHtml {
  return consolePage({
    title: 'Erased',
    viewer,
    section: 'users',
    card: 'nothing',
    body: html`
<h1>The user is erased</h1>
<p class="lead">${operationId ? 'All sessions have ended, and the record no longer names the user.' : 'There was nothing left to erase.'}</p>
<nav class="actions" aria-label="Continue">
${operationId ? html`<a class="button primary" href="/admin/operation?id=${operationId}">What was erased</a>` : ''}
<a class="button" href="/admin/users">Find a user</a>
</nav>`,
  })
}
