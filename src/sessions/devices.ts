/** Devices: what is recorded of them, and how a person recognises them: "Firefox on Windows". */
import { LRUCache } from 'lru-cache'
import { readAddress } from './addresses.ts'
import { type Device, MAX_USER_AGENT, parseUserAgent } from './user-agents.ts'

export { DEVICE_KINDS, type Device } from './user-agents.ts'

const NONE: Device = { browser: null, os: null, kind: 'unknown' }
/** Parsing costs 40 µs, at worst 2 ms, and a user with 100,000 sessions has few user agents. */
const remembered = new LRUCache<string, Device>({ max: 1_000 })

/** Browser, operating system and kind of device, as far as a user agent tells. Never throws. */
export function describeDevice(userAgent: string | null): Device {
  if (!userAgent) return NONE
  const agent = userAgent.slice(0, MAX_USER_AGENT)
  const known = remembered.get(agent)
  if (known) return known
  const device = parseUserAgent(agent)
  remembered.set(agent, device)
  return device
}

/** "Firefox on Windows", "Safari on iPhone", "curl", "Unknown program", "Unknown device". */
export function deviceName(device: Device): string {
  const { program, place } = deviceWords(device)
  return place ? `${program} on ${place}` : program
}

/** The same in two parts; the program's name may read from right to left. */
export function deviceWords({ browser, os, kind }: Device): { program: string; place: string | null } {
  const place = os === 'iOS' ? (IOS_DEVICES[kind] ?? os) : os
  const nameless = place ? NAMELESS.app : NAMELESS[kind]
  return { program: browser ?? nameless ?? 'Unknown device', place }
}

/** What its owner calls it. A program that does not name it may run on a Mac, too. */
const IOS_DEVICES: Partial<Record<Device['kind'], string>> = {
  mobile: 'iPhone',
  tablet: 'iPad',
  app: 'an Apple device',
}
const NAMELESS: Partial<Record<Device['kind'], string>> = { app: 'Unknown program', bot: 'A bot', tv: 'A TV' }

/** What a request or an application tells of the device it comes from. */
export interface DeviceHints {
  userAgent?: string | null
  ipAddress?: string | null
}

/**
 * A device that cannot be recorded is no reason to refuse a sign-in: what is no address becomes null, such as the
 * list of an `X-Forwarded-For` header.
 */
export function deviceColumns({ userAgent, ipAddress }: DeviceHints) {
  return {
    userAgent: userAgent == null ? null : recordable(userAgent),
    ipAddress: readAddress(ipAddress ?? ''),
  }
}

const utf8 = new TextDecoder('utf-8', { fatal: true })

/** Node and `fetch` give the bytes of a header as so many characters: most clients meant UTF-8. */
function decoded(text: string): string {
  if (!/[\x80-\xff]/.test(text) || /[^\0-\xff]/.test(text)) return text
  try {
    return utf8.decode(Buffer.from(text, 'latin1'))
  } catch {
    return text
  }
}

/** PostgreSQL has neither NUL nor half a character, and no other control character belongs into a user agent. */
function recordable(text: string): string {
  const kept = decoded(text)
    .slice(0, MAX_USER_AGENT)
    .toWellFormed()
    .replace(/\p{Cc}/gu, '\u{fffd}')
  // V8 keeps the whole header, up to 64 KB, for as long as a slice of it lives: a copy does not.
  return Buffer.from(kept).toString()
}
