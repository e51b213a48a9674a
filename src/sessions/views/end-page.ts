/** `/sessions/:id/end`: asks before another device is signed out. */
import { html, type SafeHtml } from '@remix-run/html-template'
import { layout } from '../../ui/layout.ts'
import type { PageView } from '../../ui/view.ts'
import type { Session, User } from '../schema.ts'
import { deviceNames } from './parts.ts'

export interface EndPage {
  view: PageView
  user: User
  current: Session
  /** The session to end. */
  session: Session
}

export function endPage({ view, user, current, session }: EndPage): SafeHtml {
  const { text, say, ago } = view
  return layout({
    view,
    title: text('end.title'),
    card: 'leave',
    user,
    current,
    body: html`
<h1>${say('end.title')}</h1>
${deviceNames(view, [{ ...session, here: session.id === current.id }], 1)}
<p class="since">${say('device.seen', { when: ago(session.lastSeenAt) })} · ${say('device.since', { when: ago(session.createdAt) })}</p>
<p>${say('end.lead')}</p>
<form method="post" action="/sessions/${session.id}/end" data-busy="${text('frame.busy')}">
<div class="actions">
<button class="danger">${say('frame.sign-out')}</button>
<a class="button" href="/devices">${say('frame.cancel')}</a>
</div>
</form>`,
  })
}
