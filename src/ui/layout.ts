/** The layout of every page. Templates escape all values. No inline scripts or styles: the content security policy forbids them. */
import { html, type SafeHtml } from '@remix-run/html-template'
import { iconHref, scriptHref, styleHref } from './assets.ts'
import { quoted } from './format.ts'
import { type Sign, sign } from './icons.ts'
import type { PageView } from './view.ts'

export interface Page {
  view: PageView
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
  view,
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
  const { text, say, locale, dir, site } = view
  const page = html`<!doctype html>
<html lang="${locale}" dir="${dir}">
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
}<title>${title.replace(REORDERING, '')} · ${site.name}</title>
<link rel="icon" href="${site.logoUrl ?? iconHref}">
<link rel="stylesheet" href="${styleHref}">
${
  site.accent
    ? html`<link rel="stylesheet" href="${site.accent.href}">
`
    : ''
}<script src="${scriptHref}" defer></script>
${console?.head}</head>
<body${console ? html` class="console"` : ''} data-now="${new Date().toISOString()}"${current ? html` data-session="${current.id}"` : ''}${shown ? html` data-shown="${shown}"` : ''}${announce ? html` data-announce` : ''} data-just-now="${text('frame.now')}"${site.basePath ? html` data-base="${site.basePath}"` : ''}>
<a class="skip" href="#main">${say('frame.skip')}</a>
<header>
<a class="brand" href="${site.url ?? '/'}">${logo(site)}${quoted(site.name)}</a>
${user ? html`<p class="who">${say('frame.user', { name: quoted(user.name ?? user.email ?? user.id) })}</p>` : ''}
${staff ? html`<a class="button" href="/admin">${say('frame.console')}</a>` : ''}
${
  console
    ? html`<a class="button" href="/logout">${say('frame.sign-out')}</a>
${console.nav}`
    : ''
}</header>
<main id="main"${card ? html` class="card"` : ''}>
${card ? html`<div class="sign sign-${card}">${sign(card)}</div>` : ''}
${body}
</main>
</body>
</html>`
  return site.basePath ? below(site.basePath, page) : page
}

/** The logo; our own icon is not shown beside the name of an application. */
function logo({ logoUrl, isNamed }: PageView['site']): SafeHtml {
  if (isNamed && !logoUrl) return html``
  return html`<img src="${logoUrl ?? iconHref}" alt="" height="28">`
}

/** A link to the application; nothing without APP_URL. @param look further classes of the button. */
export function backToApp({ say, site }: PageView, look = ''): SafeHtml {
  if (!site.url) return html``
  return html`<a class="button${look}" href="${site.url}"><span>${say('frame.back', appOf(site))}</span></a>
`
}

/** The application in messages. */
export const appOf = ({ isNamed, name }: PageView['site']) => ({
  named: isNamed ? 'yes' : 'no',
  app: quoted(name),
})

/** Attributes with a path of this service. Text of users cannot contain one, because templates escape quotes. */
const OWN_PATHS = /( (?:href|src|action|data-preview|data-poll)=")(?=\/(?!\/))/g

/** Puts BASE_PATH before every path, in one place, so that no link is forgotten. Other paths of this origin are written as addresses. */
function below(basePath: string, page: SafeHtml): SafeHtml {
  return html.raw`${String(page).replace(OWN_PATHS, `$1${basePath}`)}`
}
