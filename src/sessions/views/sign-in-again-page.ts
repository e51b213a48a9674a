/** Instead of a page that needs a recent sign-in (DEVICES_MAX_AUTH_AGE): leads to the sign-in and back. */
import { html, type SafeHtml } from '@remix-run/html-template'
import { layout } from '../../ui/layout.ts'
import type { PageView } from '../../ui/view.ts'
import type { Session } from '../schema.ts'

/** @param back the path of the page that was opened. */
export function signInAgainPage(view: PageView, current: Session, back: string): SafeHtml {
  const { text, say, ago, site } = view
  const signIn = site.signIn(back)
  return layout({
    view,
    title: text('again.title'),
    card: 'enter',
    body: html`
<h1>${say('again.title')}</h1>
<p class="lead">${say('again.lead', { when: ago(current.createdAt) })}</p>
<p class="quiet">${say('again.advice')}</p>
<nav class="actions" aria-label="${text('frame.continue')}">
${signIn ? html`<a class="button primary" href="${signIn}">${say('frame.sign-in')}</a>` : ''}
<a class="button" href="/logout?scope=local">${say('devices.local')}</a>
</nav>`,
  })
}
