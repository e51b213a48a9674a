/** `/signed-out`: says that it is done, what was ended, and why. */
import { html, type SafeHtml } from '@remix-run/html-template'
import type { Operation, RevokedSession } from '../storage/schema.ts'
import type { Standing } from '../storage/sessions.ts'
import { layout } from './layout.ts'
import { ended } from './parts.ts'
import { nameOf, on } from './words.ts'

export type SignedOut =
  /** This browser has just asked for it. */
  | { by: 'you'; operation: Operation; revoked: RevokedSession[] }
  /** Its token is over, or it has none. */
  | { by: 'other'; standing: Standing | null }

export function signedOutPage({ why, signInPath }: { why: SignedOut; signInPath: string | null }): SafeHtml {
  const everywhere = why.by === 'you' && why.operation.scope === 'global'
  return layout({
    title: 'Signed out',
    announce: true,
    body: html`
<h1>${everywhere ? 'You are signed out everywhere' : 'You are signed out'}</h1>
${why.by === 'you' ? ended(why) : reason(why.standing)}
${
  signInPath
    ? html`<nav class="actions" aria-label="Continue"><a class="button primary" href="${signInPath}">Sign in</a></nav>`
    : html`<p>To sign in again, go back to your application.</p>`
}`,
  })
}

function reason(standing: Standing | null): SafeHtml {
  const { state, revokedAt, operation } = standing ?? { state: 'unknown' }
  if (state === 'expired') return html`<p>Your session had reached its end.</p>`
  if (state === 'idle') return html`<p>Your session was not used for a long time.</p>`
  if (state !== 'revoked' || !revokedAt) return html`<p>There is no session in this browser.</p>`
  const when = on(revokedAt)
  if (operation?.kind === 'logout' && operation.scope === 'local')
    return html`<p>You signed out on this device on ${when}.</p>`
  if (operation?.kind === 'session.replace')
    return html`<p>You signed in again on this device on ${when}.</p>`
  const from = operation?.userAgent
    ? html`<p>It was done from ${nameOf(operation)}. If that was not you, sign in and change how you sign in.</p>`
    : ''
  if (operation?.kind === 'logout') {
    const where = operation.scope === 'global' ? 'everywhere' : 'on all other devices'
    return html`<p>You were signed out ${where} on ${when}.</p>${from}`
  }
  return html`<p>You were signed out on ${when}.</p>${from}`
}
