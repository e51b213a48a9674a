/** The icon and the name of a device on a page. */
import { html, type SafeHtml } from '@remix-run/html-template'
import { LRUCache } from 'lru-cache'
import { quoted } from '../../ui/format.ts'
import { draw } from '../../ui/icons.ts'
import type { View } from '../../ui/view.ts'
import { describeDevice, deviceName, deviceWords } from '../devices.ts'
import type { Place } from '../places.ts'

const DEVICES = {
  desktop: html`<rect x="3" y="4.5" width="18" height="12" rx="2"/><path d="M8.5 20h7M12 16.5V20"/>`,
  mobile: html`<rect x="7" y="2.5" width="10" height="19" rx="2.5"/><path d="M11 18.5h2"/>`,
  tablet: html`<rect x="4.5" y="2.5" width="15" height="19" rx="2.5"/><path d="M11 18.5h2"/>`,
  tv: html`<rect x="2.5" y="5" width="19" height="12.5" rx="2"/><path d="M7 20.5h10M8.5 1.5 12 5l3.5-3.5"/>`,
  console: html`<rect x="2.5" y="7" width="19" height="10.5" rx="5"/><path d="M7.5 10.5v3.5M5.8 12.2h3.5M15 13.5v.1M18 11v.1"/>`,
  bot: html`<rect x="4" y="8" width="16" height="11" rx="2.5"/><path d="M12 8V4M9 12.5v1.5M15 12.5v1.5M1.5 12v3.5M22.5 12v3.5"/>`,
  app: html`<rect x="4" y="4" width="6.5" height="6.5" rx="1.5"/><rect x="13.5" y="4" width="6.5" height="6.5" rx="1.5"/><rect x="4" y="13.5" width="6.5" height="6.5" rx="1.5"/><rect x="13.5" y="13.5" width="6.5" height="6.5" rx="1.5"/>`,
  unknown: html`<circle cx="12" cy="12" r="9"/><path d="M9.5 9.5a2.5 2.5 0 1 1 3.4 2.3c-.6.3-.9.8-.9 1.4v.6M12 16.8v.1"/>`,
}

/** Decoration only, hidden from screen readers. */
export function deviceIcon(session: { userAgent: string | null }): SafeHtml {
  return draw(DEVICES[describeDevice(session.userAgent).kind])
}

/** "Firefox on Windows", or "Firefox 145 on Windows". */
export function nameOf(
  view: View,
  session: { userAgent: string | null },
  { version = false } = {},
): SafeHtml {
  const device = describeDevice(session.userAgent)
  const { program, system } = deviceWords(view, device)
  const called = version && device.version !== null ? `${program} ${device.version}` : program
  if (!system) return quoted(called)
  return view.say('device.name', { program: quoted(called), system })
}

/** "My laptop · Firefox on Windows": the name that its user gave the device never stands alone. */
export function givenNameOf(
  view: View,
  session: { userAgent: string | null; deviceName: string | null },
): SafeHtml {
  const name = nameOf(view, session)
  return session.deviceName === null ? name : html`${quoted(session.deviceName)} · ${name}`
}

/** "London, United Kingdom", in the language of the reader; null where no place is known. */
export function placeText(view: View, place: Place | null): string | null {
  if (!place) return null
  const country = place.country && countryName(view.locale, place.country)
  if (!country || !place.city) return place.city ?? country
  return view.text('device.place', { city: place.city, country })
}

const countries = new LRUCache<string, Intl.DisplayNames>({
  max: 100,
  memoMethod: (locale) => new Intl.DisplayNames(locale, { type: 'region' }),
})
const countryName = (locale: string, code: string): string => countries.memo(locale).of(code) ?? code

/** How the user signed in: in the language of the reader where the word is known, else as the application said it. */
export function methodText(view: View, method: string): SafeHtml {
  return view.say('device.method', { method, name: quoted(method) })
}

/** The same as plain text, for attributes. */
export function plainNameOf(view: View, session: { userAgent: string | null }): string {
  return deviceName(describeDevice(session.userAgent), { view })
}
