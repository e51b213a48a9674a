// Makes the pages follow: other tabs of this browser when a logout happens here, and the clock.
// Everything works without it.
// @ts-check
const { page, announce } = document.body.dataset
const tabs = new BroadcastChannel('global-logout')

// A logout announces itself; every page that shows somebody signed in then asks whether that still holds.
if (announce !== undefined) tabs.postMessage('logout')
if (page === 'signed-in') {
  tabs.addEventListener('message', recheck)
  addEventListener('pageshow', (event) => event.persisted && recheck())
  document.addEventListener('visibilitychange', () => document.visibilityState === 'visible' && recheck())
}

async function recheck() {
  const answer = await fetch('/api/session', { cache: 'no-store' }).catch(() => null)
  // Only a certain "no" signs the page out; a 503 or a lost connection decides nothing.
  if (answer?.status === 401) location.replace('/signed-out')
}

// A second press must not send a second request.
for (const form of document.querySelectorAll('form')) {
  form.addEventListener('submit', () => {
    for (const button of form.querySelectorAll('button')) setTimeout(() => (button.disabled = true))
  })
}
addEventListener('pageshow', () => {
  for (const button of document.querySelectorAll('button')) button.disabled = false
})

const absolute = new Intl.DateTimeFormat(undefined, { dateStyle: 'long', timeStyle: 'short' })
const relative = new Intl.RelativeTimeFormat('en', { numeric: 'auto' })
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
    if ('absolute' in time.dataset) time.textContent = absolute.format(date)
    else {
      const seconds = (date.getTime() - Date.now()) / 1000
      const step = STEPS.find(([, size]) => Math.abs(seconds) >= size)
      time.title = absolute.format(date)
      time.textContent = step ? relative.format(Math.trunc(seconds / step[1]), step[0]) : 'just now'
    }
  }
}
tellTimes()
setInterval(tellTimes, 30_000)
