/** The frame of every console page: sections, the viewer and their role. */
import { html, type SafeHtml } from '@remix-run/html-template'
import { asOf } from '../../database/as-of.ts'
import type { Session, User } from '../../sessions/schema.ts'
import { consoleScriptHref, consoleStyleHref } from '../../ui/assets.ts'
import { clock, stamp } from '../../ui/format.ts'
import type { Sign } from '../../ui/icons.ts'
import { layout } from '../../ui/layout.ts'
import type { Site } from '../../ui/site.ts'
import { ENGLISH } from '../../ui/view.ts'
import type { StaffRole } from '../role-names.ts'

/** The signed-in member of staff. */
export interface Viewer {
  user: User
  session: Session
  role: StaffRole
  site: Site
  /** Until when the sign-in is recent enough to act; null where it is not. */
  mayActUntil: Date | null
}

const SECTIONS = [
  ['overview', '/admin', 'Overview'],
  ['users', '/admin/users', 'Users'],
  ['incidents', '/admin/incidents', 'Incidents'],
  ['audit', '/admin/audit', 'Audit log'],
] as const
export type Section = (typeof SECTIONS)[number][0]

export interface ConsolePage {
  title: string
  viewer: Viewer
  section: Section
  body: SafeHtml
  card?: Sign
  /** Seconds until the page reloads without JavaScript. */
  refreshSeconds?: number | undefined
  /** Keeps the page, and the input it holds, after a sign-out in another tab. */
  stays?: boolean
}

/** Says so where a replica was read, which may lag behind. */
function dataAge(): SafeHtml {
  const at = asOf()
  return at
    ? html`<p class="since">Data as of ${stamp(at)}, from a replica. Newer changes may be missing.</p>`
    : html``
}

/** What the viewer may do now, and until when. */
function standing({ role, mayActUntil, session }: Viewer): SafeHtml {
  if (role === 'auditor') return html`Auditor: read-only access.`
  if (mayActUntil) return html`May act until ${clock(mayActUntil)}.`
  return session.keyId
    ? html`Signed in by a service key: read-only.`
    : html`Read-only until you sign in again.`
}

export function consolePage(page: ConsolePage): SafeHtml {
  const { title, viewer, section, body, card, refreshSeconds, stays } = page
  const refresh = html`<noscript><meta http-equiv="refresh" content="${refreshSeconds}"></noscript>
`
  return layout({
    view: { ...ENGLISH, site: viewer.site },
    title: `${title} · Security console`,
    body: html`${body}${dataAge()}`,
    card,
    user: viewer.user,
    ...(!stays && { current: viewer.session }),
    console: {
      head: html`<link rel="stylesheet" href="${consoleStyleHref}">
<script src="${consoleScriptHref}" defer></script>
${refreshSeconds ? refresh : ''}`,
      nav: html`<nav class="sections" aria-label="Security console">
<ul role="list">
${SECTIONS.map(
  ([name, href, label]) =>
    html`<li><a href="${href}"${name === section ? html` aria-current="page"` : ''}>${label}</a></li>
`,
)}</ul>
<p class="role${viewer.mayActUntil ? ' recent' : ''}">${standing(viewer)}</p>
</nav>
`,
    },
  })
}
