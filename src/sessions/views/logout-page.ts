/** `/logout`: asks for confirmation, and shows which devices each choice signs out. */
import { html, type SafeHtml } from '@remix-run/html-template'
import type { LogoutScope } from '../../operations/kinds.ts'
import { layout } from '../../ui/layout.ts'
import type { PageView } from '../../ui/view.ts'
import type { Session, User } from '../schema.ts'
import { nameOf } from './device.ts'
import type { OtherSessions } from './devices-page.ts'
import { deviceNames } from './parts.ts'

export interface LogoutPage {
  view: PageView
  user: User
  current: Session
  /** Null when the user must sign in again before they see them. */
  others: OtherSessions | null
  scope: LogoutScope
  callbackUrl?: string | undefined
}

export function logoutPage({ view, user, current, others, scope, callbackUrl }: LogoutPage): SafeHtml {
  const { text, say } = view
  const count = others?.total ?? 0
  const hasOthers = count > 0
  const choice = (value: LogoutScope, title: SafeHtml, detail: SafeHtml) => html`<label class="choice">
<input type="radio" name="scope" value="${value}"${value === scope ? html` checked` : ''}>
<span><strong>${title}</strong><span class="detail">${detail}</span></span>
</label>`
  return layout({
    view,
    title: text('logout.title'),
    card: 'leave',
    user,
    current,
    ...(others && { shown: others.hash }),
    body: html`
<h1>${say('logout.title')}</h1>
<form method="post" action="/logout" data-busy="${text('frame.busy')}">
${
  others && hasOthers
    ? html`<fieldset>
<legend>${say('logout.question')}</legend>
${choice('local', say('logout.local'), say('logout.local.detail', { device: nameOf(view, current) }))}
${choice('others', say('logout.others'), say('logout.others.detail', { count }))}
${choice('global', say('logout.global'), say('logout.global.detail', { count }))}
</fieldset>
<details><summary>${say('logout.list', { count })}</summary>${deviceNames(view, others.sessions, count)}</details>`
    : html`<p class="lead">${say('logout.only')}</p>
${deviceNames(view, [current], 1)}
${others ? '' : html`<p class="quiet">${say('logout.recent')}</p>`}
<input type="hidden" name="scope" value="${others && scope !== 'local' ? 'global' : 'local'}">`
}
${callbackUrl ? html`<input type="hidden" name="callbackUrl" value="${callbackUrl}">` : ''}
<div class="actions">
<button class="danger">${say('frame.sign-out')}</button>
<a class="button" href="/devices">${say('frame.cancel')}</a>
</div>
</form>`,
  })
}
