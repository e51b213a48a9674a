/**
 * Confirms a logout with a `callbackUrl`, and then goes to that URL, with or without JavaScript. It uses a refresh, which
 * is a new navigation. Chromium applies `form-action` to every redirect after a form: if the application redirected to an
 * identity provider, Chromium would block it and keep showing the old page.
 */
import { html, type SafeHtml } from '@remix-run/html-template'
import { layout } from '../../ui/layout.ts'

export interface OnwardPage {
  /** The allowed URL to go to. */
  href: string
  /** Whether this browser is signed out, as opposed to other devices only. */
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
<p class="lead">You are being redirected. If nothing happens, select Continue.</p>
<nav class="actions" aria-label="Continue"><a class="button primary" href="${href}">Continue</a></nav>`,
  })
}
