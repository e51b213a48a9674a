// What the console does besides, where there is a script: counts while one types, follows an incident, reads a list
// of users from a file. Everything works without it, but for the counting.
// @ts-check
const PAUSE_MS = 600
const POLL_MS = 1_000

/** @type {HTMLFormElement | null} */
const composer = document.querySelector('form[data-preview]')
if (composer) previewOf(composer)

/** Asks what the selection comes to: after a pause, and never twice at the same time. */
function previewOf(/** @type {HTMLFormElement} */ form) {
  const place = /** @type {HTMLElement} */ (form.querySelector('.preview'))
  let wanted = 0
  let asking = false
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let timer
  async function ask() {
    if (asking) return
    asking = true
    const at = wanted
    const told = await count(form)
    asking = false
    if (at !== wanted) return later()
    place.textContent = told
  }
  function later() {
    clearTimeout(timer)
    timer = setTimeout(ask, PAUSE_MS)
  }
  form.addEventListener('input', (event) => {
    if (/** @type {HTMLInputElement} */ (event.target).name === 'reason') return
    wanted++
    place.textContent = 'Counting …'
    later()
  })
  place.hidden = false
  place.textContent = 'What would end is counted here while you fill in the form.'
  if (
    /** @type {HTMLTextAreaElement[]} */ ([
      ...form.querySelectorAll('textarea, input:not([name=reason]):not([type=checkbox])'),
    ]).some(({ value }) => value)
  )
    later()
}

/** @returns {Promise<string>} */
async function count(/** @type {HTMLFormElement} */ form) {
  // @ts-expect-error files are not among the fields that have a name
  const body = new URLSearchParams(new FormData(form))
  const answer = await fetch(form.dataset.preview ?? '', { method: 'POST', body }).catch(() => null)
  const told = await answer?.json().catch(() => null)
  if (answer?.ok && told) {
    const { sessions, users, staffSessions } = told
    const staff =
      staffSessions > 0 ? ` ${of(staffSessions, 'of them belongs', 'of them belong')} to staff.` : ''
    return sessions === 0
      ? 'No living session matches so far.'
      : `Would end ${of(sessions, 'session', 'sessions')} of ${of(users, 'user', 'users')}.${staff}`
  }
  if (answer?.status !== 400) return 'It cannot be counted right now. The plan will tell.'
  const label = form.querySelector(`label[for="${told?.field}"]`)?.textContent
  return label ? `${label}: ${told.detail}` : (told?.detail ?? '')
}

function of(/** @type {number} */ n, /** @type {string} */ one, /** @type {string} */ many) {
  return `${n.toLocaleString('en')} ${n === 1 ? one : many}`
}

/** @type {HTMLElement | null} */
const progress = document.querySelector('[data-poll]')
if (progress) setTimeout(poll, POLL_MS)
async function poll() {
  const answer = await fetch(progress?.dataset.poll ?? '', { cache: 'no-store' }).catch(() => null)
  if (answer?.status === 401 || answer?.status === 403) return location.reload()
  const incident = answer?.ok && (await answer.json().catch(() => null))
  if (incident && incident.state !== 'running') return location.reload()
  const bar = progress?.querySelector('progress')
  const ended = progress?.querySelector('[data-ended]')
  if (incident && bar && ended) {
    bar.max = Math.max(incident.planned.sessions, incident.ended, 1)
    bar.value = incident.ended
    ended.textContent = incident.ended.toLocaleString('en')
  }
  setTimeout(poll, POLL_MS)
}

/** @type {HTMLElement | null} */
const waiting = document.querySelector('[data-refresh]')
if (waiting) setTimeout(() => location.reload(), Number(waiting.dataset.refresh) * 1000)

for (const file of /** @type {NodeListOf<HTMLInputElement>} */ (document.querySelectorAll('[data-into]'))) {
  const into = /** @type {HTMLTextAreaElement} */ (document.getElementById(file.dataset.into ?? ''))
  const row = file.closest('[hidden]')
  row?.removeAttribute('hidden')
  file.addEventListener('change', async () => {
    const text = await file.files?.[0]?.text()
    if (text === undefined) return
    into.value = text
    into.dispatchEvent(new Event('input', { bubbles: true }))
  })
}

for (const button of /** @type {NodeListOf<HTMLButtonElement>} */ (
  document.querySelectorAll('[data-print]')
)) {
  button.hidden = false
  button.addEventListener('click', () => print())
}
