/**
 * Confirms a logout with a `callbackUrl`, and then leads to that URL, with or without JavaScript. It uses a refresh, which
 * is a new navigation. Chromium applies `form-action` to every redirect after a form: if the application redirected to an
 * identity provider, Chromium would block it and keep showing the old page.
 */
import { html, type SafeHtml } from '@remix-run/html-template'
import { layout } from '../../ui/layout.ts'
import type { PageView } from '../../ui/view.ts'
import type { Outcome } from '../log-out.ts'
import { deviceNames } from './parts.ts'

export interface OnwardPage {
  view: PageView
  /** The allowed URL to go to. */
  href: string
  outcome: Pick<Outcome, 'signedOut' | 'revoked' | 'revokedCount'>
}

/** A browser that is signed out goes on by itself. One that has signed out other devices first shows which. */
export function onwardPage({ view, href, outcome }: OnwardPage): SafeHtml {
  const { text, say } = view
  const { signedOut, revoked, revokedCount } = outcome
  const title = text(signedOut ? 'onward.title' : 'onward.others')
  return layout({
    view,
    title,
    card: 'done',
    announce: true,
    ...(signedOut && { onward: href }),
    body: html`
<h1>${title}</h1>
${signedOut ? html`<p class="lead">${say('onward.lead')}</p>` : deviceNames(view, revoked, revokedCount)}
<nav class="actions" aria-label="${text('frame.continue')}"><a class="button primary" href="${href}">${say('frame.continue')}</a></nav>`,
  })
}
