/** Describes devices so that users recognise them: "Firefox on Windows". */
import { LRUCache } from 'lru-cache'
import type { MessageKey } from '../ui/messages/en.ts'
import { ENGLISH, type View } from '../ui/view.ts'
import { MAX_USER_AGENT } from './device-columns.ts'
import { type Device, parseUserAgent } from './user-agents.ts'

export { DEVICE_KINDS, type Device } from './user-agents.ts'

const NONE: Device = { browser: null, version: null, os: null, kind: 'unknown' }
/** Parsing takes 40 µs, at worst 2 ms, and even a user with 100,000 sessions has few user agents. */
const devices = new LRUCache<string, Device>({ max: 1_000, memoMethod: parseUserAgent })

/** Browser, operating system and kind of device, as far as the user agent reveals them. Never throws. */
export function describeDevice(userAgent: string | null): Device {
  if (!userAgent) return NONE
  return devices.memo(userAgent.slice(0, MAX_USER_AGENT))
}

/** "Firefox on Windows", "Safari on iPhone", "curl", "Unknown program", "Unknown device"; "Firefox 145 on Windows" with its version. */
export function deviceName(device: Device, { version = false, view = ENGLISH } = {}): string {
  const { program, system } = deviceWords(view, device)
  const called = version && device.version !== null ? `${program} ${device.version}` : program
  return system ? view.text('device.name', { program: called, system }) : called
}

/** The name in two parts, so that a page can isolate a right-to-left program name. */
export function deviceWords(
  { text }: View,
  { browser, os, kind }: Device,
): { program: string; system: string | null } {
  const system = os === 'iOS' ? iosDevice(kind, text) : os
  const nameless = system ? 'device.program' : (NAMELESS[kind] ?? 'device.unknown')
  return { program: browser ?? text(nameless), system }
}

/** What users call the device. An app that does not name its device may also run on a Mac. */
function iosDevice(kind: Device['kind'], text: View['text']): string {
  if (kind === 'app') return text('device.apple')
  return kind === 'mobile' ? 'iPhone' : kind === 'tablet' ? 'iPad' : 'iOS'
}
const NAMELESS: Partial<Record<Device['kind'], MessageKey>> = {
  app: 'device.program',
  bot: 'device.bot',
  tv: 'device.tv',
}
