/**
 * Parses a user agent into program, operating system and kind of device. ua-parser-js (version 1, MIT) recognises browsers
 * and phone models. This file corrects what it misreads: apps, Mac programs, Chrome OS, TVs and bots. A client can send any
 * text, so only the beginning is read, and the name is a known browser or a short product name.
 */
import UAParser from 'ua-parser-js'
import { MAX_USER_AGENT } from './device-columns.ts'

export const DEVICE_KINDS = ['desktop', 'mobile', 'tablet', 'tv', 'console', 'app', 'bot', 'unknown'] as const

type Kind = (typeof DEVICE_KINDS)[number]

export interface Device {
  browser: string | null
  /** The main version of the browser: "145". As at the sign-in, since nothing later is recorded. */
  version: string | null
  os: string | null
  /** `app`: a program that does not name its device. */
  kind: Kind
}

/** Longest product name, in characters. */
const MAX_NAME = 32

/** Accepts any text; never throws. */
export function parseUserAgent(text: string): Device {
  const agent = text.slice(0, MAX_USER_AGENT)
  const parser = new UAParser(agent)
  const os = systemOf(agent, parser)
  if (isBot(agent)) return { browser: BOT_NAME.exec(agent)?.[0] ?? null, version: null, os, kind: 'bot' }
  const app = appOf(agent)
  const browser = app ?? browserOf(agent, parser)
  const version = mainVersion(app === null ? browserVersion(agent, parser) : APP_VERSION.exec(agent)?.[1])
  const kind = kindOf(agent, os, modelOf(agent, parser))
  return {
    browser,
    version: browser === null ? null : version,
    os,
    kind: kind ?? (isProgram(agent) ? 'app' : 'unknown'),
  }
}

/** The first match decides. */
const SYSTEMS: [string, RegExp][] = [
  ['PlayStation', /PlayStation/i],
  ['Nintendo', /Nintendo/],
  ['Windows Phone', /Windows (?:Phone|Mobile|CE)|IEMobile|ZuneWP7|; wds /],
  ['Xbox', /\bXbox/],
  // Android apps name the Chromebook they run on.
  ['Chrome OS', /\bCrOS\b|Chromebook/],
  ['tvOS', /Apple ?TV|\btvOS\b/],
  ['watchOS', /\bwatchOS\b|Apple Watch/],
  ['webOS', /Web0S|webOS/],
  ['Tizen', /Tizen/],
  ['KaiOS', /KAIOS/],
  ['iOS', /\biP(?:hone|ad|od|h\d)|\biOS\b|\biPadOS\b/],
  ['macOS', /Macintosh|mac ?os|os=Mac|Mac_PowerPC|MacBook|iMac|Macmini|Darwin.*(?:x86_64|i386|Power)/i],
  // Sent by programs on an iPhone, and on a Mac with an Apple processor.
  ['iOS', /CFNetwork|AppleCoreMedia/],
  ['Android', /android|okhttp|Dalvik|; Adr \d/i],
  ['Windows', /windows|\bWin(?:32|64|NT|9[58])/i],
]
/** Systems taken from the library. Its other names are words that any client may use. */
const MORE_SYSTEMS: Record<string, string> = {
  ...{ Linux: 'Linux', Ubuntu: 'Ubuntu', Debian: 'Debian', Fedora: 'Fedora', FreeBSD: 'FreeBSD' },
  ...{ BlackBerry: 'BlackBerry', Symbian: 'Symbian', HarmonyOS: 'HarmonyOS', OpenHarmony: 'HarmonyOS' },
}

function systemOf(agent: string, parser: UAParser): string | null {
  const marked = SYSTEMS.find(([, mark]) => mark.test(agent))?.[0]
  if (marked && marked !== 'Android') return marked
  const more = MORE_SYSTEMS[parser.getOS().name ?? '']
  if (marked) return more === 'HarmonyOS' ? more : marked
  return more ?? (/linux|X11/i.test(agent) ? 'Linux' : null)
}

/** Browser names as users know them; null for an engine, which is not a browser name. */
const BROWSERS: Record<string, string | null> = {
  ...{ Edge: 'Microsoft Edge', IE: 'Internet Explorer', IEMobile: 'Internet Explorer' },
  ...{ 'Mobile Safari': 'Safari', GSA: 'Google app', Yandex: 'Yandex Browser', UCBrowser: 'UC Browser' },
  ...{ 'MIUI Browser': 'Mi Browser', 'Chrome Headless': 'Headless Chrome', Silk: 'Amazon Silk' },
  ...{ Mozilla: null, WebKit: null, KHTML: null },
}
/** Browsers and apps that add their name to that of the browser they are based on. */
const BASED_ON_OTHERS: [string, RegExp][] = [
  ['LG Browser', /LG Browser/],
  ['Yandex Browser', /Ya(?:Search)?(?:App|Browser)|YandexSearch/],
  ['UC Browser', /UCBrowser/],
  ['Huawei Browser', /HuaweiBrowser/],
  ['Facebook', /\bFBA[NV]\b|\[FB/],
  ['QQ Browser', /QQBrowser\/.*(?:Windows|MSIE)|^MQQBrowser/],
  ['Roku', /^Roku\//],
  ['Sonos', /\bSonos\//],
  ['QQ', /\bQQ\//],
  ['Google app', /\bGSA\/|GoogleApp\//],
  ['Microsoft Outlook', /Microsoft Outlook/],
  ['Nintendo Browser', /NintendoBrowser/],
]

function browserOf(agent: string, parser: UAParser): string | null {
  const derived = BASED_ON_OTHERS.find(([, mark]) => mark.test(agent))?.[0]
  if (derived) return derived
  const { name } = parser.getBrowser()
  const known = name !== undefined && Object.hasOwn(BROWSERS, name) ? BROWSERS[name] : name
  return known ?? (/\bFirefox\/\d/.test(agent) ? 'Firefox' : null)
}

/** The version of what `browserOf` names: null where that is another program than the library found. */
function browserVersion(agent: string, parser: UAParser): string | undefined {
  if (BASED_ON_OTHERS.some(([, mark]) => mark.test(agent))) return undefined
  return parser.getBrowser().version ?? /\bFirefox\/(\d+)/.exec(agent)?.[1]
}

const APP_VERSION = /^[^/]+\/v?(\d+)/

/** Browsers freeze or round what follows, and a person compares one number. */
function mainVersion(version: string | undefined): string | null {
  return /^\d{1,4}(?!\d)/.exec(version ?? '')?.[0] ?? null
}

const BOT_NAME = /[\w.-]{0,20}(?<!cu|[mpd] )(?:bot|crawler|spider)(?![a-z])/i
const BOT_WORDS = /crawl|spider|slurp|fetcher|\+https?:/i
/** Browsers contain no link to a description, and only old ones say "compatible". */
const BOT_SIGNS = /^Mozilla\/5\.0.*(?:https?:|www\.|compatible; (?!MSIE|Konqueror|U;))/

/** Ignores the Android model name: phones are called "Cubot" or "Spider". */
function isBot(agent: string): boolean {
  const rest = agent.replace(/\([^()]*Android[^()]*\)?/, '')
  return BOT_NAME.test(rest) || BOT_WORDS.test(rest) || BOT_SIGNS.test(rest)
}

/** Browsers begin with `Mozilla/5.0 (`; other programs with their own name: `Acme/3.2 (iPhone; …)`. */
function isProgram(agent: string): boolean {
  return !/^(?:Mozilla|Opera)\//i.test(agent)
}

/** Leading products that do not name the program. */
const NOT_APPS = /^(?:Mozilla|Opera|UCWEB|MQQBrowser|Dalvik|Linux UPnP|CFNetwork)$/i

/** The leading product name. Only letters of any script, digits and a few signs: a name cannot be a message to the user. */
function appOf(agent: string): string | null {
  const name = /^([\p{L}\p{N}%][\p{L}\p{M}\p{N} ._+%-]*)\/v?[\d.]/u.exec(agent)?.[1]
  if (!name || NOT_APPS.test(name)) return null
  const read = decodeName(name).trim()
  return read.length <= MAX_NAME && /^[\p{L}\p{M}\p{N} ._+-]+$/u.test(read) ? read : null
}

/** CFNetwork percent-encodes the name of the app. */
function decodeName(name: string): string {
  try {
    return decodeURIComponent(name)
  } catch {
    return name
  }
}

const TV =
  /TV\b|TV_|SmartTV|BRAVIA|Viera|\bAFT[A-Z]|Web0S|CrKey|Roku|VIDAA|\bNETRANGE|LED-?\d\d|Chromecast|MiBOX|MiTV|MXQ|UGOOS|\bBuild\/PTT1|\bSTB\b|Android[^)]*(?:\b(?:Stick|Box|4K)\b|UHD|Projector)/i
/** An Android model named after its screen size in inches. */
const TV_MODEL =
  /Android [\d.]+; (?:[A-Z]{1,4}-?(?:LED)?)?(?:2[48]|32|39|4\d|5[058]|6[05]|7[05])[A-Z]{1,5}-?\d/
const CONSOLES = ['PlayStation', 'Nintendo', 'Xbox']
const DESKTOPS = ['Windows', 'macOS', 'Chrome OS', 'Linux', 'Ubuntu', 'Debian', 'Fedora', 'FreeBSD']
const PHONES = ['Windows Phone', 'KaiOS', 'BlackBerry', 'Symbian']

/** Vendors whose tablet patterns in the library also match phones; phones say "Mobile". */
const AMBIGUOUS_VENDORS = ['Acer', 'Dragon Touch', 'Vodafone']

function modelOf(agent: string, parser: UAParser): string | undefined {
  const { type, vendor = '' } = parser.getDevice()
  return type === 'tablet' && AMBIGUOUS_VENDORS.includes(vendor) && /Mobile/.test(agent) ? 'mobile' : type
}

/** @param type the library's type of the model. @returns null when the user agent does not reveal the kind. */
function kindOf(agent: string, os: string | null, type: string | undefined): Kind | null {
  if (os !== null && CONSOLES.includes(os)) return 'console'
  if (os === 'iOS') return /iPad/.test(agent) ? 'tablet' : /iP(?:hone|od|h\d)/.test(agent) ? 'mobile' : null
  if (/Lumia/.test(agent)) return 'mobile'
  if (os === 'Windows' || os === 'macOS' || os === 'Chrome OS') return 'desktop'
  if (os === 'tvOS' || TV.test(agent) || TV_MODEL.test(agent)) return 'tv'
  if (type === 'console') return type
  if (type === 'mobile' || type === 'tablet') return type
  if (os !== null && PHONES.includes(os)) return 'mobile'
  if (/MIDP|J2ME|Opera Mini|^UCWEB/.test(agent)) return 'mobile'
  if (os === 'Android' || os === 'HarmonyOS') return androidKind(agent)
  return os !== null && DESKTOPS.includes(os) && !isProgram(agent) ? 'desktop' : null
}

/** Chrome and Firefox say "Mobile" on phones only; other programs name the model at most. */
function androidKind(agent: string): Kind | null {
  if (/Mobile|; Adr \d/i.test(agent)) return 'mobile'
  if (isProgram(agent)) return /\bBuild\//.test(agent) ? 'mobile' : null
  return 'tablet'
}
