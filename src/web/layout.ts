/** The frame of every page. Templates escape whatever they are given; nothing inline, so the policy can forbid it. */
import { html, type SafeHtml } from '@remix-run/html-template'
import { scriptHref, styleHref } from './assets.ts'

export interface Page {
  title: string
  body: SafeHtml
  /** Who is signed in; a page that has somebody watches for their logout in other tabs. */
  user?: { name: string | null; email: string | null }
  /** Tells the browser's other tabs that a logout may have happened. */
  announce?: boolean
}

export function layout({ title, body, user, announce }: Page): SafeHtml {
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="robots" content="noindex">
<title>${title} · global-logout</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="${styleHref}">
<script src="${scriptHref}" defer></script>
</head>
<body data-page="${user ? 'signed-in' : 'signed-out'}"${announce ? html` data-announce` : ''}>
<a class="skip" href="#main">Skip to content</a>
<header>
<p class="brand">global-logout</p>
${user ? html`<p class="who">Signed in as <strong>${user.name ?? user.email ?? 'you'}</strong></p>` : ''}
</header>
<main id="main">
${body}
</main>
</body>
</html>`
}
