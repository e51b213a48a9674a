/** `/logout`: asks for confirmation, and shows which devices each choice signs out. */
import { html, type SafeHtml } from '@remix-run/html-template'
import type { LogoutScope } from '../../operations/kinds.ts'
import { count } from '../../ui/format.ts'
import { layout } from '../../ui/layout.ts'
import type { Session, User } from '../schema.ts'
import { nameOf } from './device.ts'
import type { OtherSessions } from './devices-page.ts'
import { deviceNames } from './parts.ts'

export interface LogoutPage {
  user: User
  current: Session
  others: OtherSessions
  scope: LogoutScope
  callbackUrl?: string | undefined
}

export function logoutPage({
  user,
  current,
  others: { sessions, total, hash },
  scope,
  callbackUrl,
}: LogoutPage): SafeHtml {
  const hasOthers = total > 0
  const chosen = scope === 'others' && !hasOthers ? 'global' : scope
  const choice = (value: LogoutScope, title: string, detail: SafeHtml | string) => html`<label class="choice">
<input type="radio" name="scope" value="${value}"${value === chosen ? html` checked` : ''}>
<span><strong>${title}</strong><span class="detail">${detail}</span></span>
</label>`
  return layout({
    title: 'Sign out',
    card: 'leave',
    user,
    current,
    shown: hash,
    body: html`
<h1>Sign out</h1>
<form method="post" action="/logout">
<fieldset>
<legend>Where do you want to sign out?</legend>
${choice('local', 'This device', html`${nameOf(current)}, the one you are using`)}
${hasOthers ? choice('others', 'All other devices', `${count(total, 'device')}; you stay signed in here`) : ''}
${choice('global', 'Everywhere', hasOthers ? `This device and ${count(total, 'other')}` : 'This is the only device that is signed in')}
</fieldset>
${hasOthers ? html`<details><summary>Your ${count(total, 'other device')}</summary>${deviceNames(sessions, total)}</details>` : ''}
${callbackUrl ? html`<input type="hidden" name="callbackUrl" value="${callbackUrl}">` : ''}
<div class="actions">
<button class="danger">Sign out</button>
<a class="button" href="/">Cancel</a>
</div>
</form>`,
  })
}
