/**
 * What every page needs of its reader: the messages of their language, and dates and numbers of their locale. A page has no text
 * of its own; it takes all of it from the catalogue in `messages/`.
 */
import { html, type SafeHtml } from '@remix-run/html-template'
import { IntlMessageFormat } from 'intl-messageformat'
import { LRUCache } from 'lru-cache'
import Negotiator from 'negotiator'
import type { MessageKey } from './messages/en.ts'
import { LANGUAGES, type Language } from './messages/languages.ts'
import type { Site } from './site.ts'

/** The locale of a reader who names none of the languages. */
const DEFAULT_LOCALE = 'en-GB'

/** The language of a reader. */
export interface View {
  /** Language and, where the reader names one, region: `de-AT`. */
  locale: string
  dir: Language['dir']
  /** A message as plain text, for titles and attributes. @throws Error when an argument is missing. */
  text(key: MessageKey, values?: Record<string, string | number>): string
  /** A message as HTML; strings are escaped. @throws Error when an argument is missing. */
  say(key: MessageKey, values?: Record<string, string | number | SafeHtml>): SafeHtml
  /** "2 minutes ago", with the exact time as its title; the browser script keeps it current. */
  ago(date: Date): SafeHtml
  /** "23 November 2026 at 00:41 UTC", or "… 00:41:07 UTC"; the browser script shows it in the local time zone. */
  on(date: Date, toTheSecond?: boolean): SafeHtml
  /** "2 minutes ago (23 November 2026 at 00:41 UTC)". */
  when(date: Date, toTheSecond?: boolean): SafeHtml
  /** The text of `ago`. A time in the future, because clocks differ, is "just now". */
  relativeTime(date: Date, now?: Date): string
}

/** What a whole page needs besides. */
export interface PageView extends View {
  site: Site
}

const TAGS = { strong: (parts: (string | SafeHtml)[]) => html`<strong>${parts}</strong>` }

/** public/page.js has the same table; test/system/browser/tabs.test.ts compares the two. */
const STEPS: [Intl.RelativeTimeFormatUnit, number][] = [
  ['year', 31_536_000],
  ['month', 2_592_000],
  ['week', 604_800],
  ['day', 86_400],
  ['hour', 3_600],
  ['minute', 60],
]

/** Formats are made at first use: there are a hundred messages, and a page needs ten. */
function createView(locale: string): View {
  const { messages, dir } = LANGUAGES.get(new Intl.Locale(locale).language) as Language
  const formats = new Map<MessageKey, IntlMessageFormat>()
  let relative: Intl.RelativeTimeFormat | undefined
  const absolute: { minute?: Intl.DateTimeFormat; second?: Intl.DateTimeFormat } = {}

  const formatOf = (key: MessageKey) => {
    const made = formats.get(key) ?? new IntlMessageFormat(messages[key], locale)
    formats.set(key, made)
    return made
  }
  const text: View['text'] = (key, values = {}) => String(formatOf(key).format(values))
  const relativeTime: View['relativeTime'] = (date, now = new Date()) => {
    const seconds = (now.getTime() - date.getTime()) / 1000
    const step = STEPS.find(([, size]) => seconds >= size)
    if (!step) return text('frame.now')
    relative ??= new Intl.RelativeTimeFormat(locale, { numeric: 'auto' })
    return relative.format(-Math.floor(seconds / step[1]), step[0])
  }
  const absoluteTime = (date: Date, to: 'minute' | 'second' = 'minute') => {
    absolute[to] ??= new Intl.DateTimeFormat(locale, {
      ...EXACT,
      ...(to === 'second' && { second: '2-digit' }),
      timeZone: 'UTC',
      timeZoneName: 'short',
    })
    return absolute[to].format(date)
  }
  const ago: View['ago'] = (date) =>
    html`<time datetime="${date.toISOString()}" title="${absoluteTime(date)}" data-relative>${relativeTime(date)}</time>`
  const on: View['on'] = (date, toTheSecond = false) =>
    html`<time datetime="${date.toISOString()}"${toTheSecond ? html` data-seconds` : ''}>${absoluteTime(date, toTheSecond ? 'second' : 'minute')}</time>`

  return {
    locale,
    dir,
    text,
    say: (key, values = {}) => {
      const parts = formatOf(key).format<SafeHtml>({ ...TAGS, ...values })
      return html`${parts}`
    },
    relativeTime,
    ago,
    on,
    when: (date, toTheSecond) => html`${ago(date)} (${on(date, toTheSecond)})`,
  }
}

/** As in public/page.js, which adds no time zone: there the time is local. */
const EXACT: Intl.DateTimeFormatOptions = {
  year: 'numeric',
  month: 'long',
  day: 'numeric',
  hour: '2-digit',
  minute: '2-digit',
}

/** Bounded, because readers may name any region. */
const views = new LRUCache<string, View>({ max: 100, memoMethod: createView })

/** The view of console and command line, which are in English. */
export const ENGLISH: View = views.memo(DEFAULT_LOCALE)

/** The view of a reader. @param accepted the header `Accept-Language`. */
export function viewFor(accepted: string | undefined): View {
  return views.memo(localeOf(accepted))
}

/** The reader's first locale in one of our languages. Extensions of a locale, such as another calendar, are left out. */
function localeOf(accepted: string | undefined): string {
  if (!accepted) return DEFAULT_LOCALE
  for (const tag of new Negotiator({ headers: { 'accept-language': accepted } }).languages()) {
    const found = parse(tag)
    if (!found || !LANGUAGES.has(found.language)) continue
    const { language, region } = found
    if (region) return `${language}-${region}`
    return language === 'en' ? DEFAULT_LOCALE : language
  }
  return DEFAULT_LOCALE
}

function parse(tag: string): Intl.Locale | null {
  try {
    return new Intl.Locale(tag)
  } catch {
    return null
  }
}
