/** Devices: what is recorded of them, and how a person recognises them: "Firefox on Windows". */
import { isIP } from 'node:net'
import Bowser from 'bowser'

export interface Device {
  browser: string | null
  os: string | null
  kind: 'desktop' | 'mobile' | 'tablet' | 'app' | 'unknown'
}

const UNKNOWN: Device = { browser: null, os: null, kind: 'unknown' }
/** Parsing costs some 20 µs and a user with 100,000 sessions has few user agents: remember the last ones. */
const REMEMBERED = 1_000
const remembered = new Map<string, Device>()

/** Browser, operating system and kind of device, as far as a user agent tells. Never throws. */
export function describeDevice(userAgent: string | null): Device {
  if (!userAgent) return UNKNOWN
  const known = remembered.get(userAgent)
  if (known) return known
  const device = parse(userAgent)
  if (remembered.size >= REMEMBERED) remembered.clear()
  remembered.set(userAgent, device)
  return device
}

/** "Firefox on Windows", "Safari on iPhone", "curl", "Unknown device". */
export function deviceName({ browser, os, kind }: Device): string {
  const place = os === 'iOS' ? (IOS_DEVICES[kind] ?? os) : os
  if (browser && place) return `${browser} on ${place}`
  return browser ?? (place ? `A device with ${place}` : 'Unknown device')
}

/** What its owner calls it; an app does not tell which one it runs on. */
const IOS_DEVICES: Partial<Record<Device['kind'], string>> = { mobile: 'iPhone', tablet: 'iPad' }

function parse(userAgent: string): Device {
  const { browser, os, platform } = Bowser.parse(userAgent)
  const app = appName(userAgent)
  const name = app ?? browser.name ?? null
  const kind = app
    ? 'app'
    : platform.type === 'mobile' || platform.type === 'tablet' || platform.type === 'desktop'
      ? platform.type
      : 'unknown'
  return {
    browser: name || null,
    os: os.name || osOfApp(userAgent),
    kind: name || os.name ? kind : 'unknown',
  }
}

/** Browsers say `Mozilla/5.0 (…)`; whatever leads with its own product name is an app, `Acme/3.2 (iPhone; …)`. */
function appName(userAgent: string): string | null {
  const product = /^([A-Za-z][\w .-]{0,39})\/[\d.]+/.exec(userAgent)?.[1]?.trim()
  return product && product !== 'Mozilla' && product !== 'Opera' ? product : null
}

/** What CFNetwork, okhttp and Dart send has no platform that a browser parser knows. */
function osOfApp(userAgent: string): string | null {
  if (/iPhone|iPad|\biOS\b|CFNetwork/.test(userAgent)) return 'iOS'
  if (/Android|okhttp/.test(userAgent)) return 'Android'
  return null
}

/** What a request or an application tells of the device it comes from. */
export interface DeviceHints {
  userAgent?: string | null
  ipAddress?: string | null
}

/** Longest user agent worth keeping, in characters. */
const MAX_USER_AGENT = 512

/**
 * A device that cannot be recorded is no reason to refuse a sign-in: what is no address becomes null, such as the
 * list of an `X-Forwarded-For` header, or a zone, which PostgreSQL's `inet` does not know.
 */
export function deviceColumns({ userAgent, ipAddress }: DeviceHints) {
  const address = ipAddress?.replace(/^::ffff:(?=\d+\.)/i, '').replace(/%.*$/, '') ?? ''
  return {
    userAgent: userAgent?.slice(0, MAX_USER_AGENT) ?? null,
    ipAddress: isIP(address) ? address : null,
  }
}
