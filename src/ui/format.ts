/** Formats times for logs and staff, English counts, and user-supplied text. */
import { html, type SafeHtml } from '@remix-run/html-template'

/** "2026-11-25 19:33:07 UTC": to the second, in the format of logs. */
export function stamp(date: Date): SafeHtml {
  const text = date.toISOString()
  return html`<time datetime="${text}">${text.slice(0, 19).replace('T', ' ')} UTC</time>`
}

/** "03:15 UTC"; with its date where it is more than twelve hours away. */
export function clock(date: Date): SafeHtml {
  const text = date.toISOString()
  if (Math.abs(date.getTime() - Date.now()) > 12 * 3_600_000) return stamp(date)
  return html`<time datetime="${text}">${text.slice(11, 16)} UTC</time>`
}

/** "1 device", "3 devices". */
export function count(n: number, noun: string): string {
  return `${n.toLocaleString('en')} ${noun}${n === 1 ? '' : 's'}`
}

/** User-supplied text, isolated: right-to-left characters in it must not reorder the text around it. */
export function quoted(text: string): SafeHtml {
  return html`<bdi>${text}</bdi>`
}
