// Script of the console: previews counts while staff fill in a form, fills in times, follows a running incident, and reads a list of
// users from a file. Everything but the preview works without it.
// @ts-check
const PAUSE_MS = 600
const POLL_MS = 1_000

/** @type {HTMLFormElement | null} */
const composer = document.querySelector('form[data-preview]')
if (composer) showPreview(composer)

/** Counts the selected sessions after a pause in typing, with one request at a time. */
function showPreview(/** @type {HTMLFormElement} */ form) {
  const output = /** @type {HTMLElement} */ (form.querySelector('.preview'))
  let version = 0
  let asking = false
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let timer
  async function ask() {
    if (asking) return
    asking = true
    const requested = version
    const result = await count(form)
    asking = false
    if (requested !== version) return later()
    output.textContent = result
  }
  function later() {
    clearTimeout(timer)
    timer = setTimeout(ask, PAUSE_MS)
  }
  form.addEventListener('input', (event) => {
    if (/** @type {HTMLInputElement} */ (event.target).name === 'reason') return
    version++
    output.textContent = 'Counting …'
    later()
  })
  output.hidden = false
  output.textContent = 'This shows how many sessions would end while you fill in the form.'
  if (
    /** @type {HTMLTextAreaElement[]} */ ([
      ...form.querySelectorAll('textarea, input:not([name=reason], [type=checkbox], [type=radio])'),
    ]).some(({ value }) => value)
  )
    later()
}

/** @returns {Promise<string>} */
async function count(/** @type {HTMLFormElement} */ form) {
  // @ts-expect-error files are not among the fields that have a name
  const body = new URLSearchParams(new FormData(form))
  const answer = await fetch(form.dataset.preview ?? '', { method: 'POST', body }).catch(() => null)
  const result = await answer?.json().catch(() => null)
  if (answer?.ok && result) {
    const { sessions, users, staffSessions, estimated } = result
    const staff =
      staffSessions > 0 ? ` ${of(staffSessions, 'of them belongs', 'of them belong')} to staff.` : ''
    const about = estimated ? 'about ' : ''
    return sessions === 0 && !estimated
      ? 'No active session matches.'
      : `Would end ${about}${of(sessions, 'session', 'sessions')} of ${about}${of(users, 'user', 'users')}.${staff}${estimated ? ' Estimated from a sample.' : ''}`
  }
  if (answer?.status !== 400) return 'The count is not available right now. The plan will show it.'
  const label = form.querySelector(`label[for="${result?.field}"]`)?.textContent
  return label ? `${label}: ${result.detail}` : (result?.detail ?? '')
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

for (const button of /** @type {NodeListOf<HTMLButtonElement>} */ (
  document.querySelectorAll('[data-minutes]')
)) {
  button.closest('[hidden]')?.removeAttribute('hidden')
  button.addEventListener('click', () => {
    const into = /** @type {HTMLInputElement} */ (document.getElementById(button.dataset.into ?? ''))
    // By the clock of the service, which the page states.
    const at = Date.parse(document.body.dataset.now ?? '') + performance.now()
    into.value = new Date(at - Number(button.dataset.minutes) * 60_000).toISOString().slice(0, 19)
    into.dispatchEvent(new Event('input', { bubbles: true }))
  })
}

for (const file of /** @type {NodeListOf<HTMLInputElement>} */ (
  document.querySelectorAll('input[data-into]')
)) {
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
