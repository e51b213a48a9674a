/**
 * How often the name of a device differs from that of Matomo's device-detector, by the fixtures of its tests,
 * which we may not copy (LGPL): `git clone https://github.com/matomo-org/device-detector`, then `node
 * bench/user-agents.ts device-detector/Tests/fixtures`.
 *
 * Mainstream agents only: they name a product with its version and came without client hints; the system is
 * one that people know; the client is a mainstream browser, an app with 20 fixtures or more, or any program
 * of Apple's systems. Phones, tablets and TVs on Android, whose fixtures are one a model, and bots: one in
 * twelve.
 */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parse } from 'yaml'
import { describeDevice } from '../src/sessions/devices.ts'

interface Fixture {
  user_agent: string
  headers?: object
  bot?: object
  os?: { name?: string }
  client?: { type: string; name: string } | null
  device?: { type: string }
}

const BROWSERS =
  /^(Chrome( Mobile( iOS)?| Webview)?|Chromium|Firefox( Mobile( iOS)?| Focus)?|Safari|Mobile Safari|Microsoft Edge|Internet Explorer|IE Mobile|Opera.*|Samsung Browser|Vivaldi|Brave|DuckDuckGo.*|Yandex Browser( Lite)?|UC Browser.*|Android Browser|Mi Browser|Huawei Browser( Mobile)?|QQ Browser.*|vivo Browser|HeyTapBrowser|Mobile Silk|Whale Browser|Ecosia|LG Browser)$/
const SYSTEMS = new Set(
  'Windows,macOS,Linux,Chrome OS,Android,iOS,tvOS,webOS,Tizen,Windows Phone,HarmonyOS,KaiOS'.split(','),
)
const LINUX = /^(GNU\/Linux|Ubuntu|Debian|Fedora|Mint|Red Hat|CentOS|SUSE|Arch Linux|Gentoo)$/
const ANDROID = /^(Android TV|Fire OS|CyanogenMod|MocorDroid|Lineage OS|Wear OS|Google TV|YunOS)$/

function systemOf(name = ''): string {
  if (name === 'Mac') return 'macOS'
  if (name === 'iPadOS') return 'iOS'
  if (name === 'Windows Mobile') return 'Windows Phone'
  if (LINUX.test(name)) return 'Linux'
  return ANDROID.test(name) ? 'Android' : name
}

function kindOf({ bot, device }: Fixture): string {
  if (bot) return 'bot'
  if (/^(smartphone|phablet|feature phone|portable media player)$/.test(device?.type ?? '')) return 'mobile'
  return /^(tablet|desktop|tv|console)$/.test(device?.type ?? '') ? (device?.type ?? '') : 'unknown'
}

/** One in this many of the frequent ones. */
const ONE_IN = 12
const APP_FIXTURES = 20

function mainstream(all: Fixture[]): Fixture[] {
  const byClient = Map.groupBy(all, ({ client }) => client?.name)
  const fewer = <T>(some: T[]) => some.filter((_, i) => i % ONE_IN === 0)
  const wanted = all.filter((fixture) => {
    const { bot, client, os, user_agent: agent } = fixture
    if (!/\w\/v?\d/.test(agent)) return false
    if (bot) return true
    const system = systemOf(os?.name)
    const kind = kindOf(fixture)
    const apples = system === 'macOS' || system === 'iOS'
    if (!client || (!SYSTEMS.has(system) && kind !== 'console')) return false
    if (client.type === 'browser') return kind !== 'unknown' && BROWSERS.test(client.name)
    return apples || (kind !== 'unknown' && (byClient.get(client.name)?.length ?? 0) >= APP_FIXTURES)
  })
  const many = ({ bot, os, ...rest }: Fixture) =>
    Boolean(bot) || kindOf({ bot, ...rest } as Fixture) === 'tv' || systemOf(os?.name) === 'Android'
  return [...wanted.filter((one) => !many(one)), ...fewer(wanted.filter(many))]
}

const plain = (name = '') =>
  name
    .toLowerCase()
    .replace(/microsoft|amazon|mobile|browser|\bapp\b|lite|turbo|webview|headless|internet$|\btv\b/g, '')
    .replace(/[^\p{L}\p{N}]/gu, '')
const ALIKE: Record<string, string> = { iemobile: 'internetexplorer', ie: 'internetexplorer', miui: 'mi' }

function sameBrowser({ bot, client, user_agent: agent }: Fixture, ours: string | null): boolean {
  // Dalvik runs apps, and is not a browser.
  if (bot || agent.startsWith('Dalvik')) return true
  const [theirs, known] = [client?.name, ours ?? ''].map((name) => ALIKE[plain(name)] ?? plain(name)) as [
    string,
    string,
  ]
  if (known === theirs || (/Webview/.test(client?.name ?? '') && /^(chrome|android)$/.test(known)))
    return true
  return Math.min(known.length, theirs.length) >= 4 && (known.includes(theirs) || theirs.includes(known))
}

function sameSystem({ bot, os }: Fixture, ours: string | null): boolean {
  return Boolean(bot) || !os?.name || systemOf(ours ?? '') === systemOf(os.name)
}

function sameKind(fixture: Fixture, ours: string): boolean {
  const theirs = kindOf(fixture)
  // A program need not name its system.
  return ours === theirs || theirs === 'unknown' || (ours === 'app' && fixture.client?.type !== 'browser')
}

const folder = process.argv[2]
if (!folder) throw new Error('name the folder of the fixtures')
const files = readdirSync(folder).filter((file) => file.endsWith('.yml'))
const read = (file: string): Fixture[] =>
  parse(readFileSync(join(folder, file), 'utf8'), { uniqueKeys: false })
const chosen = mainstream(files.flatMap(read).filter(({ headers }) => !headers))
const differing = { system: [] as string[], browser: [] as string[], kind: [] as string[] }
for (const fixture of chosen) {
  const { browser, os, kind } = describeDevice(fixture.user_agent)
  const agent = fixture.user_agent
  if (!sameSystem(fixture, os)) differing.system.push(`${fixture.os?.name} → ${os}: ${agent}`)
  if (!sameBrowser(fixture, browser)) differing.browser.push(`${fixture.client?.name} → ${browser}: ${agent}`)
  if (!sameKind(fixture, kind)) differing.kind.push(`${kindOf(fixture)} → ${kind}: ${agent}`)
}
for (const [what, all] of Object.entries(differing)) {
  console.log(`${what}: ${((100 * all.length) / chosen.length).toFixed(1)} % of ${chosen.length}`)
  if (process.argv.includes('--list')) for (const one of all) console.log(`  ${one}`)
}
