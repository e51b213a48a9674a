// Makes the pages follow: this browser's other tabs, devices that are signed out elsewhere, and the clock.
// Everything works without it.
// @ts-check
const { session, shown, announce, now } = document.body.dataset
const tabs = new BroadcastChannel('global-logout')

// Whoever tells of a logout does so once it is done; a page with somebody signed in then asks how things stand.
if (announce !== undefined) tabs.postMessage('signed out')
if (session) {
  tabs.addEventListener('message', () => follow(true))
  addEventListener('pageshow', (event) => event.persisted && follow())
  document.addEventListener('visibilitychange', () => document.visibilityState === 'visible' && follow())
  hearInOneTab()
}

/** Only a certain answer moves the page; a 503 or a lost connection decides nothing, nor does a 401 of somebody in between. */
async function follow(told = false) {
  const answer = await fetch('/api/session', { cache: 'no-store' }).catch(() => null)
  const over = await isOver(answer)
  const current = answer?.ok && (await answer.json().catch(() => null))
  // What was asked for here is under way, and brings the next page by itself.
  if (sent) return
  if (over) return location.replace(told ? '/signed-out?followed' : '/signed-out')
  if (current && (told || current.session.id !== session)) location.reload()
}

// Browsers open six connections to a site at most: one tab hears for all. Locks need https; without, who is looked at.
function hearInOneTab() {
  if (navigator.locks) return void navigator.locks.request(`global-logout ${session}`, () => hear())
  let hearing = new AbortController()
  const whileVisible = () => {
    hearing.abort()
    hearing = new AbortController()
    if (document.visibilityState === 'visible') void hear(hearing.signal)
  }
  document.addEventListener('visibilitychange', whileVisible)
  whileVisible()
}

/** Somebody in between says 401, too, but not in the words of the service. @param {Response | null} answer */
async function isOver(answer) {
  if (answer?.status !== 401) return false
  const problem = await answer.json().catch(() => null)
  return /^urn:global-logout:problem:(unauthenticated|invalid_token)$/.test(problem?.type)
}

/** In milliseconds. The service says something every ten seconds; a connection that is silent for longer is none. */
const SILENCE = 25_000

/** Hears of sessions that ended elsewhere, and tries again whatever breaks. It is no use of the session. */
async function hear(signal = new AbortController().signal) {
  while (!signal.aborted) {
    const connection = new AbortController()
    signal.addEventListener('abort', () => connection.abort(), { signal: connection.signal })
    await listen(connection).catch(() => {})
    connection.abort()
    // Not all at once after the service was restarted.
    await new Promise((over) => setTimeout(over, 3_000 + 5_000 * Math.random()))
  }
}

/** What was missed before comes first: the service knows which list is shown here. */
async function listen(/** @type {AbortController} */ connection) {
  const { signal } = connection
  let silent = setTimeout(() => connection.abort(), SILENCE)
  signal.addEventListener('abort', () => clearTimeout(silent))
  const path = shown ? `/api/session/events?shown=${shown}` : '/api/session/events'
  const answer = await fetch(path, { cache: 'no-store', signal })
  if (await isOver(answer)) tell()
  const stream = answer.ok && answer.body?.getReader()
  if (!stream) return
  const decoder = new TextDecoder()
  for (let text = ''; ; text = text.slice(text.lastIndexOf('\n') + 1)) {
    const { done, value } = await stream.read()
    if (done) return
    clearTimeout(silent)
    silent = setTimeout(() => connection.abort(), SILENCE)
    text += decoder.decode(value, { stream: true })
    if (/^event: .*\n/m.test(text)) tell()
  }
}

function tell() {
  tabs.postMessage('signed out')
  void follow(true)
}

// A second press sends no second request. Released by itself, for a person who has stopped the first.
/** @type {HTMLFormElement | null} */
let sent = null
function release() {
  sent?.removeAttribute('aria-busy')
  sent = null
}
addEventListener('submit', (event) => {
  if (sent) return event.preventDefault()
  sent = /** @type {HTMLFormElement} */ (event.target)
  sent.setAttribute('aria-busy', 'true')
  setTimeout(release, 10_000)
})
addEventListener('pageshow', release)

// Times in this browser's zone, but for the console, where forms, logs and colleagues go by UTC, as the server wrote it;
// and "2 minutes ago" by the server's clock, which ours may not agree with.
const utc = document.body.classList.contains('console')
const absolute = new Intl.DateTimeFormat('en-GB', { dateStyle: 'long', timeStyle: 'short' })
const relative = new Intl.RelativeTimeFormat('en', { numeric: 'auto' })
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

function tellTimes() {
  for (const time of document.querySelectorAll('time')) {
    const date = new Date(time.dateTime)
    const exact = absolute.format(date)
    if ('relative' in time.dataset) {
      const seconds = (Date.now() + behind - date.getTime()) / 1000
      const step = STEPS.find(([, size]) => seconds >= size)
      if (!utc) time.title = exact
      time.textContent = step ? relative.format(-Math.floor(seconds / step[1]), step[0]) : 'just now'
    } else if (!utc) time.textContent = exact
  }
}
tellTimes()
setInterval(tellTimes, 30_000)
