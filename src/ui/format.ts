/** Formats times for logs and staff, English counts, and user-supplied text. */
import { html, type SafeHtml } from '@remix-run/html-template'

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
