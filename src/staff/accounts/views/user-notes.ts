/** The notes on the page of a user, and the form for another one. */
import { html, type SafeHtml } from '@remix-run/html-template'
import type { DisplayNames } from '../../display-names.ts'
import { MAX_REASON } from '../../reason.ts'
import type { StaffRole } from '../../role-names.ts'
import { actor, ago, idQuery, quoted } from '../../views/parts.ts'
import type { Account } from '../accounts.ts'

export function userNotes({ user, notes, isKnown }: Account, role: StaffRole, names: DisplayNames): SafeHtml {
  const writes = role === 'security' && isKnown
  if (notes.length === 0 && !writes) return html``
  return html`<section aria-labelledby="notes">
<h2 id="notes">Notes</h2>
${
  notes.length > 0
    ? html`<ul class="panel entries" role="list">
${notes.map(
  (note) => html`<li class="entry">
<p class="when">${ago(note.at)}</p>
<div class="what">
<p>${quoted(note.reason ?? '')}</p>
<p class="quiet">by ${actor(note, names)}</p>
</div>
</li>
`,
)}</ul>`
    : ''
}
${
  writes
    ? html`<form method="post" action="/admin/user/note?${idQuery(user.id)}" class="search">
<label for="note">A note for other staff</label>
<div><input id="note" name="text" type="text" required maxlength="${MAX_REASON}" autocomplete="off" aria-describedby="note-hint">
<button>Write</button></div>
<p class="hint" id="note-hint">It is part of the audit log, and stays. Write nothing that the user must not read one day.</p>
</form>`
    : ''
}
</section>`
}
