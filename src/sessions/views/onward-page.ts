/**
 * After a logout with a `callbackUrl`: says that it is done, and leads on by itself, with and without JavaScript. A redirect
 * would not do: Chromium applies `form-action` to all that follow a form, and stops where the application sends people on to an
 * identity provider, with the old page still there. A refresh is a navigation of its own.
 */
import { html, type SafeHtml } from '@remix-run/html-template'
import { layout } from '../../ui/layout.ts'

export interface OnwardPage {
  /** Where to go; an address that was allowed. */
  href: string
  /** Whether this browser is signed out, too. */
  signedOut: boolean
}

export function onwardPage({ href, signedOut }: OnwardPage): SafeHtml {
  const title = signedOut ? 'You are signed out' : 'Your other devices are signed out'
  return layout({
    title,
    card: 'done',
    announce: true,
    onward: href,
    body: html`
<h1>${title}</h1>
<p class="lead">The next page opens by itself. If it does not, continue here.</p>
<nav class="actions" aria-label="Continue"><a class="button primary" href="${href}">Continue</a></nav>`,
  })
}
