/** One line drawing for each kind of device; decoration only, hidden from screen readers. */
import { html, type SafeHtml } from '@remix-run/html-template'
import type { Device } from '../sessions/devices.ts'

const SHAPES: Record<Device['kind'], SafeHtml> = {
  desktop: html`<rect x="3" y="4" width="18" height="12" rx="2"/><path d="M8 20h8M12 16v4"/>`,
  mobile: html`<rect x="7" y="2.5" width="10" height="19" rx="2.5"/><path d="M11 18.5h2"/>`,
  tablet: html`<rect x="4.5" y="2.5" width="15" height="19" rx="2.5"/><path d="M11 18.5h2"/>`,
  app: html`<rect x="4" y="4" width="7" height="7" rx="2"/><rect x="13" y="4" width="7" height="7" rx="2"/><rect x="4" y="13" width="7" height="7" rx="2"/><rect x="13" y="13" width="7" height="7" rx="2"/>`,
  unknown: html`<circle cx="12" cy="12" r="9"/><path d="M9.5 9.5a2.5 2.5 0 1 1 3.4 2.3c-.6.3-.9.8-.9 1.4v.6M12 16.8v.1"/>`,
}

export function deviceIcon({ kind }: Device): SafeHtml {
  return html`<svg class="icon" viewBox="0 0 24 24" aria-hidden="true">${SHAPES[kind]}</svg>`
}
