/** Parts that several console pages share: users, actors, form fields and their errors. */
import { html, type SafeHtml } from '@remix-run/html-template'
import type { ActorKind } from '../../operations/kinds.ts'
import { count, quoted } from '../../ui/format.ts'
import { ENGLISH } from '../../ui/view.ts'
import type { DisplayNames } from '../display-names.ts'
import { MAX_REASON } from '../reason.ts'

export { quoted } from '../../ui/format.ts'
/** Times in English, as all of the console. */
export const { ago, on } = ENGLISH

/** A user agent, clipped by CSS: an attacker may send a long one to push the rest of the page out of sight. */
export function agent(text: string | null): SafeHtml {
  return text === null ? html`` : html`<bdi class="quiet agent" title="${text}">${text}</bdi>`
}

/** An id as a query string: it may hold any character. */
export function idQuery(id: string): string {
  return new URLSearchParams({ id }).toString()
}

export function userHref(id: string): string {
  return `/admin/user?${idQuery(id)}`
}

export function revokeHref(id: string): string {
  return `/admin/user/revoke?${idQuery(id)}`
}

/** The email address and id, which tell users of the same name apart. */
export function emailAndId({ id, email }: { id: string; email: string | null }): SafeHtml {
  return html`${email ? html`${quoted(email)} · ` : ''}<span class="id">${quoted(id)}</span>`
}

/** A user by name, with a link to their page. */
export function userLink(id: string, names: DisplayNames): SafeHtml {
  return html`<a href="${userHref(id)}">${quoted(names.get(id) ?? id)}</a>`
}

/** The actor of an operation; the kind is null for changes outside the service. */
export interface Actor {
  actorKind: ActorKind | null
  actorId: string | null
  /** The operation that erased a person, maybe the actor. */
  erasedBy?: string | null
}

/** The actor in words. */
export function actor({ actorKind, actorId, erasedBy }: Actor, names: DisplayNames): SafeHtml {
  if (actorId === null && erasedBy) return html`a user who was erased`
  if (actorKind === null) return html`unknown (changed in the database directly)`
  if (actorId === null) return html`the service itself`
  if (actorKind === 'database') return html`the database login ${quoted(actorId)}`
  if (actorKind === 'system' && actorId === 'settings') return html`the settings of the service`
  if (actorKind === 'system') return html`${quoted(actorId.replace(/^cli:/, ''))} on the command line`
  if (actorKind === 'service') return html`the key ${quoted(names.get(actorId) ?? actorId)}`
  return userLink(actorId, names)
}

/** Error messages by field name. */
export type FormErrors = Readonly<Record<string, string>>

export interface Field {
  name: string
  label: string
  hint?: string
  /** The control, which takes these attributes. */
  control: (attributes: SafeHtml) => SafeHtml
}

/** A labelled control with its hint and error, both linked by `aria-describedby`. */
export function field({ name, label, hint, control }: Field, errors: FormErrors): SafeHtml {
  const error = errors[name]
  const describedBy = [hint && `${name}-hint`, error && `${name}-fault`].filter(Boolean).join(' ')
  const attributes = html`id="${name}" name="${name}"${describedBy ? html` aria-describedby="${describedBy}"` : ''}${error ? html` aria-invalid="true"` : ''}`
  return html`<div class="field">
<label for="${name}">${label}</label>
${hint ? html`<p class="hint" id="${name}-hint">${hint}</p>` : ''}
${error ? html`<p class="fault" id="${name}-fault">${sentence(error)}</p>` : ''}
${control(attributes)}
</div>`
}

/** Minutes that the buttons below a time field go back. */
const QUICK = [
  [0, 'now'],
  [60, '1 hour ago'],
  [24 * 60, '1 day ago'],
  [7 * 24 * 60, '7 days ago'],
] as const

/** A field for an instant in UTC, with buttons that fill it in where there is JavaScript. */
export function timeField(
  { value, ...rest }: Omit<Field, 'control'> & { value: string | undefined },
  errors: FormErrors,
): SafeHtml {
  return field(
    {
      ...rest,
      control: (attributes) =>
        html`<input ${attributes} type="datetime-local" step="1" value="${value ?? ''}" autocomplete="off">
<p class="quick" hidden>${QUICK.map(([minutes, label]) => html`<button type="button" data-minutes="${minutes}" data-into="${rest.name}">${label}</button> `)}</p>`,
    },
    errors,
  )
}

/** The field for the reason of an action. */
export function reasonField(entered: string | undefined, errors: FormErrors): SafeHtml {
  return field(
    {
      name: 'reason',
      label: 'Reason',
      hint: 'Goes into the audit log. For example: laptop stolen, ticket 4711.',
      control: (attributes) =>
        html`<input ${attributes} type="text" value="${entered ?? ''}" required maxlength="${MAX_REASON}" autocomplete="off">`,
    },
    errors,
  )
}

const LOCKS = [
  ['1h', 'For 1 hour'],
  ['24h', 'For 24 hours'],
  ['7d', 'For 7 days'],
  ['forever', 'Until staff unlock it'],
] as const

/** The choice of a lock. @param none the label of the first choice, which locks nothing. */
export function lockField(none: string, entered: string | undefined, errors: FormErrors): SafeHtml {
  const chosen = entered ?? ''
  const all: (readonly [string, string])[] = [['', none], ...LOCKS]
  const shown = all.some(([value]) => value === chosen) ? all : [...all, [chosen, chosen] as const]
  return html`<fieldset>
<legend>Lock sign-in as well?</legend>
${errors.lockFor ? html`<p class="fault" id="lockFor">${sentence(errors.lockFor)}</p>` : ''}
<div class="choices">
${shown.map(
  ([
    value,
    label,
  ]) => html`<label class="choice"><input type="radio" name="lockFor" value="${value}"${value === chosen ? html` checked` : ''}><span>${label}</span></label>
`,
)}</div>
</fieldset>`
}

/** All errors at the top of the form, focused, each with a link to its field. */
export function errorSummary(errors: FormErrors, labels: Record<string, string>): SafeHtml {
  const all = Object.entries(errors)
  if (all.length === 0) return html``
  return html`<section class="alarm" role="alert" aria-labelledby="faults" tabindex="-1" autofocus>
<h2 id="faults">${all.length === 1 ? '1 field needs' : `${all.length} fields need`} your attention. Nothing was changed.</h2>
<ul>${all.map(([name, error]) => html`<li><a href="#${name}">${labels[name] ?? name}</a>: ${error}</li>`)}</ul>
</section>`
}

/** "5 sessions of 2 users". */
export function sessionsOfUsers(sessions: number, users: number): string {
  return `${count(sessions, 'session')} of ${count(users, 'user')}`
}

/** "must say why" as a sentence. */
function sentence(text: string): string {
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}${text.endsWith('.') ? '' : '.'}`
}
