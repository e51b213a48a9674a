/** `/admin/incidents/new`: the form that selects the sessions. Every given part has to match. */
import { html, type SafeHtml } from '@remix-run/html-template'
import { consolePage, type Viewer } from '../../views/frame.ts'
import { errorSummary, type FormErrors, field, lockField, reasonField, timeField } from '../../views/parts.ts'
import { oldSignInWarning } from '../../views/retry-page.ts'
import { type NamedSelector, SELECTORS, type SelectorKind, type SelectorName } from '../selectors.ts'

/** Form input. Instants are `datetime-local` values in UTC. */
export type IncidentInput = { [Name in SelectorName | 'reason' | 'lockFor']?: string | undefined }

export interface IncidentForm {
  viewer: Viewer
  isRecent: boolean
  entered: IncidentInput
  errors: FormErrors
  /** Lists of the repeated plan that are not shown whole. */
  omitted?: SelectorName[]
}

const LABELS: Record<string, string> = {
  reason: 'Reason',
  select: 'Which sessions',
  lockFor: 'Lock',
  ...Object.fromEntries(SELECTORS.map(({ name, label }) => [name, label])),
}

export function incidentForm(form: IncidentForm): SafeHtml {
  const { viewer, isRecent, entered, errors } = form
  return consolePage({
    title: 'Plan an incident',
    viewer,
    section: 'incidents',
    body: html`
<h1>Plan an incident</h1>
<p class="lead">A plan ends nothing. It counts the matching sessions and shows the result for review.</p>
${errorSummary(errors, LABELS)}
${oldSignInWarning(isRecent, viewer)}
<form method="post" action="/admin/incidents" class="panel form" data-preview="/admin/incidents/preview">
${reasonField(entered.reason, errors)}
<fieldset id="select">
<legend>Which sessions? Those that match <strong>every</strong> field you fill in.</legend>
${errors.select ? html`<p class="fault">${errors.select}</p>` : ''}
${[...Map.groupBy(SELECTORS, ({ kind }) => kind)].map(([kind, selectors]) => controlsOf(kind, selectors, form))}</fieldset>
${lockField('No lock: the users may sign in again at once', entered.lockFor, errors)}
<p class="preview" role="status" hidden></p>
<div class="actions">
<button class="primary">Plan and review</button>
<a class="button" href="/admin/incidents">Cancel</a>
</div>
</form>`,
  })
}

/** The controls of all selectors of one kind; instants side by side. */
function controlsOf(kind: SelectorKind, selectors: NamedSelector[], form: IncidentForm): SafeHtml {
  const controls = selectors.map(
    (selector, i) => html`${CONTROLS[kind](selector, form, i)}
`,
  )
  return kind === 'instant'
    ? html`<div class="pair">
${controls}</div>
`
    : html`${controls}`
}

type Control = (selector: NamedSelector, form: IncidentForm, position: number) => SafeHtml

const ids: Control = ({ name, label, hint }, { entered, errors, omitted }) =>
  field(
    {
      name,
      label,
      hint: omitted?.includes(name)
        ? `The list of the previous plan is not kept on this page: paste it again, or leave it out. ${hint}`
        : hint,
      control: (attributes) =>
        html`<textarea ${attributes} rows="2" autocomplete="off" autocapitalize="off" spellcheck="false">
${entered[name] ?? ''}</textarea>
<p class="file" hidden><label for="${name}-file">or read ${label.toLowerCase()} from a text file</label> <input id="${name}-file" type="file" accept="text/plain,.txt,.csv" data-into="${name}"></p>`,
    },
    errors,
  )

const text: Control = ({ name, label, hint }, { entered, errors }) =>
  field(
    {
      name,
      label,
      hint,
      control: (attributes) =>
        html`<input ${attributes} type="text" value="${entered[name] ?? ''}" autocomplete="off" spellcheck="false">`,
    },
    errors,
  )

const instant: Control = (selector, form, position) => {
  const hint = position === 0 ? `${selector.hint}. It is ${nowUtc()} UTC now.` : selector.hint
  return timeField({ ...selector, hint, value: form.entered[selector.name] }, form.errors)
}

const flag: Control = ({ name, label, hint }, { entered }) =>
  html`<label class="choice"><input type="checkbox" id="${name}" name="${name}" value="yes"${entered[name] ? html` checked` : ''}><span><strong>${label}</strong><span class="detail">${hint}</span></span></label>`

const CONTROLS: Record<SelectorKind, Control> = { ids, address: text, instant, text, flag }

function nowUtc(): string {
  return new Date().toISOString().slice(0, 16).replace('T', ' ')
}
