/** Icons as inline SVG; decorative, hidden from screen readers. */
import { html, type SafeHtml } from '@remix-run/html-template'

const SIGNS = {
  done: html`<path d="m6 12.5 4 4 8-9"/>`,
  leave: html`<path d="M10 4H6.5A1.5 1.5 0 0 0 5 5.5v13A1.5 1.5 0 0 0 6.5 20H10M15 8l4 4-4 4M19 12H10"/>`,
  enter: html`<path d="M14 4h3.5A1.5 1.5 0 0 1 19 5.5v13a1.5 1.5 0 0 1-1.5 1.5H14M10 8l4 4-4 4M14 12H4"/>`,
  wait: html`<circle cx="12" cy="12" r="9"/><path d="M12 7v5l3 2"/>`,
  nothing: html`<circle cx="11" cy="11" r="6.5"/><path d="m16 16 4.5 4.5"/>`,
  next: html`<path d="m9.5 6 6 6-6 6"/>`,
}

export type Sign = keyof typeof SIGNS

export function sign(name: Sign): SafeHtml {
  return draw(SIGNS[name])
}

/** @param shape SVG elements in a box of 24 by 24. */
export function draw(shape: SafeHtml): SafeHtml {
  return html`<svg class="icon" viewBox="0 0 24 24" aria-hidden="true">${shape}</svg>`
}
