/** Formats times, counts and user-supplied text. The server writes UTC; the browser script converts to local time. */
import { html, type SafeHtml } from '@remix-run/html-template'

/** public/page.js has the same table; test/system/browser/tabs.test.ts compares the two. */
const STEPS: [Intl.RelativeTimeFormatUnit, number][] = [
  ['year', 31_536_000],
  ['month', 2_592_000],
  ['week', 604_800],
  ['day', 86_400],
  ['hour', 3_600],
  ['minute', 60],
]
// Made at first use: commands start faster.
let relative: Intl.RelativeTimeFormat | undefined
let absolute: Intl.DateTimeFormat | undefined

/** "just now", "2 minutes ago". A time in the future, because clocks differ, is "just now". */
export function relativeTime(date: Date, now = new Date()): string {
  const seconds = (now.getTime() - date.getTime()) / 1000
  const step = STEPS.find(([, size]) => seconds >= size)
  if (!step) return 'just now'
  relative ??= new Intl.RelativeTimeFormat('en', { numeric: 'auto' })
  return relative.format(-Math.floor(seconds / step[1]), step[0])
}

/** "23 November 2026 at 00:41 UTC". */
function absoluteTime(date: Date): string {
  absolute ??= new Intl.DateTimeFormat('en-GB', { dateStyle: 'long', timeStyle: 'short', timeZone: 'UTC' })
  return `${absolute.format(date)} UTC`
}

/** A relative time with the exact time as its title; the browser script keeps it current. */
export function ago(date: Date): SafeHtml {
  return html`<time datetime="${date.toISOString()}" title="${absoluteTime(date)}" data-relative>${relativeTime(date)}</time>`
}

/** An exact time, which the browser script shows in the local time zone. */
export function on(date: Date): SafeHtml {
  return html`<time datetime="${date.toISOString()}">${absoluteTime(date)}</time>`
}

/** "2026-11-25 19:33:07 UTC": to the second, in the format of logs. */
export function stamp(date: Date): SafeHtml {
  const text = date.toISOString()
  return html`<time datetime="${text}">${text.slice(0, 19).replace('T', ' ')} UTC</time>`
}

/** "1 device", "3 devices". */
export function count(n: number, noun: string): string {
  return `${n.toLocaleString('en')} ${noun}${n === 1 ? '' : 's'}`
}

/** User-supplied text, isolated: right-to-left characters in it must not reorder the text around it. */
export function quoted(text: string): SafeHtml {
  return html`<bdi>${text}</bdi>`
}
