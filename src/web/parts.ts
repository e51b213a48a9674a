/** What several pages show. */
import { html, type SafeHtml } from '@remix-run/html-template'
import type { Operation, RevokedSession, Session } from '../storage/schema.ts'
import { count, nameOf } from './words.ts'

/** The devices that an operation ended, by name. */
export function ended({ operation, revoked }: { operation: Operation; revoked: RevokedSession[] }): SafeHtml {
  const { revokedCount } = operation
  if (revokedCount === 0) return html`<p>There was no other device to sign out.</p>`
  return html`<p>${count(revokedCount, 'device')} ${revokedCount === 1 ? 'was' : 'were'} signed out:</p>${deviceNames(revoked, revokedCount)}`
}

/** "Firefox on Windows · 203.0.113.7", one a line, and how many more there are. */
export function deviceNames(sessions: Pick<Session, 'userAgent' | 'ipAddress'>[], total: number): SafeHtml {
  const hidden = total - sessions.length
  return html`<ul class="names">${sessions.map((session) => html`<li>${nameOf(session)}${session.ipAddress ? html` · ${session.ipAddress}` : ''}</li>`)}
${hidden > 0 ? html`<li>and ${hidden.toLocaleString('en')} more</li>` : ''}</ul>`
}
