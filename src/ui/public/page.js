// Keeps pages current: after a logout in another tab or on another device, and relative times.
// Everything works without it.
// @ts-check
const { session, shown, announce, now, justNow = '', base = '' } = document.body.dataset
const tabs = new BroadcastChannel('global-logout')

// A tab announces a logout only once it is complete. A page with a signed-in user then asks the service.
if (announce !== undefined) tabs.postMessage('signed out')
if (session) {
  tabs.addEventListener('message', () => follow(true))
  addEventListener('pageshow', (event) => event.persisted && follow())
  document.addEventListener('visibilitychange', () => document.visibilityState === 'visible' && follow())
  listenInOneTab()
}

/** Leaves or reloads the page only after a definite answer: not after a 503, a lost connection or a proxy's 401. */
async function follow(notified = false) {
  const answer = await fetch(`${base}/api/session`, { cache: 'no-store' }).catch(() => null)
  const over = await isOver(answer)
  const current = answer?.ok && (await answer.json().catch(() => null))
  // A submitted form is in progress and loads the next page.
  if (sent) return
  if (over) return location.replace(`${base}/signed-out${notified ? '?followed' : ''}`)
  if (current && (notified || current.session.id !== session)) location.reload()
}

// Browsers open at most six connections to a site, so one tab listens for all. Locks need https; without them, the
// visible tab listens.
function listenInOneTab() {
  if (navigator.locks) return void navigator.locks.request(`global-logout ${session}`, () => keepListening())
  let listening = new AbortController()
  const whileVisible = () => {
    listening.abort()
    listening = new AbortController()
    if (document.visibilityState === 'visible') void keepListening(listening.signal)
  }
  document.addEventListener('visibilitychange', whileVisible)
  whileVisible()
}

/** Proxies may answer 401 as well, but without the problem type of the service. @param {Response | null} answer */
async function isOver(answer) {
  if (answer?.status !== 401) return false
  const problem = await answer.json().catch(() => null)
  return /^urn:global-logout:problem:(unauthenticated|invalid_token)$/.test(problem?.type)
}

/** The service sends a heartbeat every 10 s. After this many milliseconds without one, the connection counts as lost. */
const SILENCE = 25_000

/** Listens for sessions that end elsewhere, and reconnects after any failure. Does not count as session activity. */
async function keepListening(signal = new AbortController().signal) {
  while (!signal.aborted) {
    const connection = new AbortController()
    signal.addEventListener('abort', () => connection.abort(), { signal: connection.signal })
    await listen(connection).catch(() => {})
    connection.abort()
    // A random delay, so that browsers do not reconnect all at once after a restart.
    await new Promise((over) => setTimeout(over, 3_000 + 5_000 * Math.random()))
  }
}

/** Sends the hash of the list on this page, so that the service reports changes since it was loaded. */
async function listen(/** @type {AbortController} */ connection) {
  const { signal } = connection
  let silent = setTimeout(() => connection.abort(), SILENCE)
  signal.addEventListener('abort', () => clearTimeout(silent))
  const path = `${base}/api/session/events${shown ? `?shown=${shown}` : ''}`
  const answer = await fetch(path, { cache: 'no-store', signal })
  if (await isOver(answer)) notify()
  const stream = answer.ok && answer.body?.getReader()
  if (!stream) return
  const decoder = new TextDecoder()
  for (let text = ''; ; text = text.slice(text.lastIndexOf('\n') + 1)) {
    const { done, value } = await stream.read()
    if (done) return
    clearTimeout(silent)
    silent = setTimeout(() => connection.abort(), SILENCE)
    text += decoder.decode(value, { stream: true })
    if (/^event: .*\n/m.test(text)) notify()
  }
}

function notify() {
  tabs.postMessage('signed out')
  void follow(true)
}

// Says that a form is being worked on, which takes up to four seconds. A second click sends no second request. Released after 10 s, in case the user stopped the first one.
/** Milliseconds until a page says that it is waiting: what is faster needs no words. */
const BUSY_MS = 400
/** @type {HTMLFormElement | null} */
let sent = null
function release() {
  sent?.removeAttribute('aria-busy')
  sent?.querySelector('output')?.remove()
  sent = null
}
addEventListener('submit', (event) => {
  if (sent) return event.preventDefault()
  sent = /** @type {HTMLFormElement} */ (event.target)
  sent.setAttribute('aria-busy', 'true')
  if (sent.dataset.busy) {
    // In the page before its text is, so that it is read out.
    const status = document.createElement('output')
    sent.append(status)
    const { busy } = sent.dataset
    setTimeout(() => {
      status.textContent = busy
    }, BUSY_MS)
  }
  setTimeout(release, 10_000)
})
addEventListener('pageshow', release)

// Shows times in the language of the page and in the browser's time zone. The console shows UTC, as forms and logs do, and the local
// time beside it. Relative times use the server's clock, because the browser's may differ.
const utc = document.body.classList.contains('console')
const { lang } = document.documentElement
/** @type {Intl.DateTimeFormatOptions} */
const EXACT = { year: 'numeric', month: 'long', day: 'numeric', hour: '2-digit', minute: '2-digit' }
const absolute = new Intl.DateTimeFormat(lang, EXACT)
const precise = new Intl.DateTimeFormat(lang, { ...EXACT, second: '2-digit' })
const relative = new Intl.RelativeTimeFormat(lang, { numeric: 'auto' })
const behind = Date.parse(now ?? '') - Date.now()
/** @type {[Intl.RelativeTimeFormatUnit, number][]} */
const STEPS = [
  ['year', 31_536_000],
  ['month', 2_592_000],
  ['week', 604_800],
  ['day', 86_400],
  ['hour', 3_600],
  ['minute', 60],
]

function updateTimes() {
  for (const time of document.querySelectorAll('time')) {
    const date = new Date(time.dateTime)
    const exact = ('seconds' in time.dataset ? precise : absolute).format(date)
    if ('relative' in time.dataset) {
      const seconds = (Date.now() + behind - date.getTime()) / 1000
      const step = STEPS.find(([, size]) => seconds >= size)
      time.title = utc ? withLocal(time, time.title, date) : exact
      time.textContent = step ? relative.format(-Math.floor(seconds / step[1]), step[0]) : justNow
    } else time.textContent = utc ? withLocal(time, time.textContent ?? '', date) : exact
  }
}

/** "03:15 UTC · 04:15 CET", with the weekday where it differs. Adds it once. */
function withLocal(
  /** @type {HTMLTimeElement} */ time,
  /** @type {string} */ text,
  /** @type {Date} */ date,
) {
  if (date.getTimezoneOffset() === 0 || 'local' in time.dataset) return text
  time.dataset.local = ''
  const otherDay = date.getDay() !== date.getUTCDay()
  const local = date.toLocaleTimeString('en-GB', {
    hour: '2-digit',
    minute: '2-digit',
    timeZoneName: 'short',
    ...(otherDay && { weekday: 'short' }),
  })
  return `${text} · ${local}`
}
updateTimes()
setInterval(updateTimes, 30_000)
