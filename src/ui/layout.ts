/** The frame of every page. Templates escape whatever they are given; nothing inline, so the policy can forbid it. */
import { html, type SafeHtml } from '@remix-run/html-template'
import { iconHref, scriptHref, styleHref } from './assets.ts'
import { quoted } from './format.ts'
import { type Sign, sign } from './icons.ts'

export interface Page {
  title: string
  body: SafeHtml
  /** One message or question in the middle, below its sign, instead of a wide page. */
  card?: Sign | undefined
  /** Who is signed in here; such a page follows a logout elsewhere. */
  user?: { id: string; name: string | null; email: string | null }
  current?: { id: string }
  /** Which list of sessions it shows: with another one it is loaded anew. */
  shown?: string
  /** Whether to show the way to the console. */
  staff?: boolean
  /** What a page of the console has besides. */
  console?: { head: SafeHtml; nav: SafeHtml }
  /** Tells the browser's other tabs that devices were signed out. */
  announce?: boolean
  /** Where the browser goes at once, by itself. */
  onward?: string
}

/** What turns the text around it: a title has no elements to isolate a name with. */
const TURNS = /[\p{Cc}\p{Bidi_Control}]/gu

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
}<title>${title.replace(TURNS, '')} · global-logout</title>
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
