/** The page after a failed action: it keeps the input and offers to send it again, after a new sign-in if needed. */
import { html, type SafeHtml } from '@remix-run/html-template'
import { count } from '../../ui/format.ts'
import { consolePage, type Section, type Viewer } from './frame.ts'
import { quoted } from './parts.ts'

/** A warning above a form whose submission will need a new sign-in. */
export function oldSignInWarning(isRecent: boolean, { session }: Viewer): SafeHtml {
  if (isRecent) return html``
  if (session.keyId) return html`<p class="warn">${BY_KEY}</p>`
  return html`<p class="warn">Your sign-in is too old for this action. You will be asked to sign in again; your input is kept.</p>`
}

const BY_KEY = html`Your application signed you in with a service key, which does not count as a recent sign-in. You can read here, but not end sessions. Use the command line, or a key with the scope “security”.`

export interface RetryPage {
  viewer: Viewer
  section: Section
  why: 'sign_in_again' | 'unavailable' | 'outcome_unknown'
  /** Where to sign in, when that is on this site. */
  /** The URL of the submitted form. */
  action: string
  entered: Record<string, unknown>
}

export function retryPage({ viewer, section, why, action, entered }: RetryPage): SafeHtml {
  const { title, body, button } = why === 'sign_in_again' ? signIn(viewer) : WORDS[why]
  const values = Object.entries(entered).flatMap(([name, value]) =>
    [value].flat().map((one) => [name, String(one)] as const),
  )
  return consolePage({
    title,
    viewer,
    section,
    card: why === 'sign_in_again' ? 'enter' : 'wait',
    stays: true,
    body: html`
<h1>${title}</h1>
${body}
<p>Pending action: <strong>${pendingAction(action, entered)}</strong>${entered.reason ? html` · <span class="reason">${quoted(String(entered.reason))}</span>` : ''}</p>
<form method="post" action="${action}">
${values.map(
  ([name, value]) => html`<input type="hidden" name="${name}" value="${value}">
`,
)}
<div class="actions">
<button class="primary">${button}</button>
<a class="button" href="/admin">Cancel</a>
</div>
</form>`,
  })
}

/** What the button will do, in words: staff may return to this page much later. */
function pendingAction(action: string, { lockFor, session }: Record<string, unknown>): SafeHtml {
  const [path = '', query] = action.split('?')
  const user = html`<span class="id">${quoted(new URLSearchParams(query).get('id') ?? '')}</span>`
  if (path.endsWith('/revoke')) return html`End all sessions of ${user}${lockFor ? ', and lock sign-in' : ''}`
  if (path.endsWith('/end')) return html`End ${count([session].flat().length, 'session')} of ${user}`
  if (path.endsWith('/note')) return html`Write a note on ${user}`
  if (path.endsWith('/unlock')) return html`Unlock sign-in of ${user}`
  if (path.endsWith('/approve')) return html`Approve the plan`
  return path.endsWith('/execute') ? html`Execute the plan` : html`Plan an incident (ends nothing)`
}

const WORDS = {
  unavailable: {
    title: 'Nothing was changed',
    body: html`<p class="lead">Our database did not answer in time. Your input is kept on this page.</p>`,
    button: 'Try again',
  },
  outcome_unknown: {
    title: 'We cannot tell whether it worked',
    body: html`<p class="lead">The connection to our database broke before it confirmed. You can safely repeat the action: ended sessions stay ended.</p>`,
    button: 'Repeat the action',
  },
}

function signIn({ session, site }: Viewer) {
  const signInHref = site.signIn(null)
  if (session.keyId)
    return {
      title: 'This sign-in cannot make changes',
      button: 'Try again',
      body: html`<p class="lead">Nothing was changed. ${BY_KEY}</p>`,
    }
  return {
    title: 'Sign in again first',
    button: 'I have signed in again: continue',
    body: html`<p class="lead">Nothing was changed. This action needs a recent sign-in, to protect you if you leave your desk.</p>
<ol>
<li>${
      signInHref
        ? html`<a href="${signInHref}" target="_blank">Sign in again in another tab</a>.`
        : html`<a href="/logout" target="_blank">Sign out in another tab</a>, then sign in with your application, as the same user.`
    }</li>
<li>Come back to this tab and continue. Your input is kept here.</li>
</ol>`,
  }
}
