/** The layout of every page. Templates escape all values. No inline scripts or styles: the content security policy forbids them. */
import { html, type SafeHtml } from '@remix-run/html-template'
import { iconHref, scriptHref, styleHref } from './assets.ts'
import { quoted } from './format.ts'
import { type Sign, sign } from './icons.ts'

export interface Page {
  title: string
  body: SafeHtml
  /** Shows a narrow card with this icon on top, instead of a wide page. */
  card?: Sign | undefined
  /** The signed-in user. The browser script leaves such a page after a logout elsewhere. */
  user?: { id: string; name: string | null; email: string | null }
  current?: { id: string }
  /** The hash of the list of sessions on the page; the page reloads when the list changes. */
  shown?: string
  /** Whether to link to the security console. */
  staff?: boolean
  /** Additional parts of a console page. */
  console?: { head: SafeHtml; nav: SafeHtml }
  /** Whether the page notifies the browser's other tabs of a logout. */
  announce?: boolean
  /** URL to which the browser is redirected immediately. */
  onward?: string
}

/** Characters that reorder text. A title cannot isolate a name with elements, so they are removed. */
const REORDERING = /[\p{Cc}\p{Bidi_Control}]/gu

export function layout({
  title,
  body,
  card,
  user,
  current,
  shown,
  announce,
  onward,
  staff,
  console,
}: Page): SafeHtml {
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="theme-color" media="(prefers-color-scheme: light)" content="#ffffff">
<meta name="theme-color" media="(prefers-color-scheme: dark)" content="#171b21">
<meta name="robots" content="noindex">
${
  onward
    ? html`<meta http-equiv="refresh" content="0; url=${onward}">
`
    : ''
}<title>${title.replace(REORDERING, '')} · global-logout</title>
<link rel="icon" href="${iconHref}" type="image/svg+xml">
<link rel="stylesheet" href="${styleHref}">
<script src="${scriptHref}" defer></script>
${console?.head}</head>
<body${console ? html` class="console"` : ''} data-now="${new Date().toISOString()}"${current ? html` data-session="${current.id}"` : ''}${shown ? html` data-shown="${shown}"` : ''}${announce ? html` data-announce` : ''}>
<a class="skip" href="#main">Skip to content</a>
<header>
<a class="brand" href="/"><img src="${iconHref}" alt="" width="28" height="28">global-logout</a>
${user ? html`<p class="who">Signed in as <strong>${quoted(user.name ?? user.email ?? user.id)}</strong></p>` : ''}
${staff ? html`<a class="button" href="/admin">Security console</a>` : ''}
${console?.nav}</header>
<main id="main"${card ? html` class="card"` : ''}>
${card ? html`<div class="sign sign-${card}">${sign(card)}</div>` : ''}
${body}
</main>
</body>
</html>`
}
