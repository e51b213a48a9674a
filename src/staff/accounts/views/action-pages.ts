/** Before an act on a user: what exactly it will end, and why it is done. */
import { html, type SafeHtml } from '@remix-run/html-template'
import { deviceNames } from '../../../sessions/views/parts.ts'
import { count } from '../../../ui/format.ts'
import { ENGLISH } from '../../../ui/view.ts'
import { consolePage, type Viewer } from '../../views/frame.ts'
import {
  emailAndId,
  errorSummary,
  type FormErrors,
  idQuery,
  lockField,
  on,
  quoted,
  reasonField,
  revokeHref,
  userHref,
} from '../../views/parts.ts'
import { oldSignInWarning } from '../../views/retry-page.ts'
import type { Account } from '../accounts.ts'

export interface ActionPage {
  viewer: Viewer
  account: Account
  /** Whether the viewer's sign-in is recent enough. */
  isRecent: boolean
  entered: {
    reason?: string | undefined
    lockFor?: string | undefined
    allowUnknownId?: string | undefined
  }
  errors: FormErrors
}

export function revokePage({ viewer, account, isRecent, entered, errors }: ActionPage): SafeHtml {
  const { user, isKnown, sessions, sessionCount } = account
  const name = user.name || user.email || user.id
  return consolePage({
    title: `End all sessions of ${name}`,
    viewer,
    section: 'users',
    card: 'leave',
    body: html`
<h1>End all sessions of ${quoted(name)}</h1>
<p class="quiet">${emailAndId(user)}</p>
${errorSummary(errors, { reason: 'Reason', lockFor: 'Lock' })}
${viewer.user.id === user.id ? html`<p class="warn"><strong>This is you.</strong> You will be signed out here, too.</p>` : ''}
${
  sessionCount > 0
    ? html`<p class="lead">${count(sessionCount, 'session')} will end, plus any session that starts before you confirm:</p>
${deviceNames(ENGLISH, sessions, sessionCount)}`
    : isKnown
      ? html`<p class="lead">This user has no active session. Any session that starts before you confirm will end.</p>`
      : html`<p class="warn"><strong>No user here has this id.</strong> This service knows a user from the first use after your application has adopted it. Until then the application holds the sessions from before: these will be refused.</p>`
}
${user.lock ? html`<p class="warn">Sign-in is locked ${user.lock.until ? html`until ${on(user.lock.until)}` : 'until staff unlock it'}; a shorter lock does not replace it.</p>` : ''}
${oldSignInWarning(isRecent, viewer)}
<form method="post" action="${revokeHref(user.id)}">
${reasonField(entered.reason, errors)}
${lockField('No lock: the user may sign in again at once', entered.lockFor, errors)}
${isKnown ? '' : unknownIdField(user.id, entered.allowUnknownId)}
<div class="actions">
<button class="danger">End ${sessionCount > 0 ? count(sessionCount, 'session') : 'all sessions'}</button>
<a class="button" href="${userHref(user.id)}">Cancel</a>
</div>
</form>`,
  })
}

/** A typo must not look like success. */
function unknownIdField(id: string, entered: string | undefined): SafeHtml {
  return html`<label class="choice"><input type="checkbox" name="allowUnknownId" value="yes" required${entered ? html` checked` : ''}><span><strong>A user of the application has exactly the id “${quoted(id)}”.</strong><span class="detail">It is the id in the application’s own database, and not an email address.</span></span></label>`
}

export function unlockPage({ viewer, account, isRecent, entered, errors }: ActionPage): SafeHtml {
  const { user } = account
  const name = user.name || user.email || user.id
  return consolePage({
    title: `Unlock sign-in of ${name}`,
    viewer,
    section: 'users',
    card: 'enter',
    body: html`
<h1>Unlock sign-in of ${quoted(name)}</h1>
<p class="quiet">${emailAndId(user)}</p>
${errorSummary(errors, { reason: 'Reason' })}
${
  user.lock
    ? html`<p class="lead">Sign-in is locked ${user.lock.until ? html`until ${on(user.lock.until)}` : 'until staff unlock it'}:</p>
<p class="reason">${quoted(user.lock.reason)}</p>
<p>Once unlocked, this user may sign in again at once. Ended sessions stay ended.</p>`
    : html`<p class="lead">Sign-in of this user is not locked.</p>`
}
${
  user.lock
    ? html`${oldSignInWarning(isRecent, viewer)}
<form method="post" action="/admin/user/unlock?${idQuery(user.id)}">
${reasonField(entered.reason, errors)}
<div class="actions">
<button class="primary">Unlock sign-in</button>
<a class="button" href="${userHref(user.id)}">Cancel</a>
</div>
</form>`
    : html`<nav class="actions" aria-label="Continue"><a class="button primary" href="${userHref(user.id)}">Back to the user</a></nav>`
}`,
  })
}
