/**
 * Reads the settings from the environment into a frozen object. An error lists every invalid setting by name. The type
 * `Config` derives from the schema.
 */
import { isIP } from 'node:net'
import { z } from 'zod'
import { databaseUrlProblems } from './database/client-config.ts'
import { namesSchema, withSchema } from './database/database-url.ts'
import { DEFAULT_SCHEMA, SCHEMA_NAME, SCHEMA_NAME_RULE } from './database/schema-name.ts'
import { duration, UNITS } from './lib/duration.ts'
import { meantBy } from './lib/meant-by.ts'
import {
  absolutePath,
  addresses,
  cookieNames,
  headerNames,
  origin,
  origins,
  siteData,
  wholeNumber,
} from './lib/setting-types.ts'
import { defaultNames, isSettable } from './sessions/cookie-names.ts'
import { accent, appName, appUrl, basePath, signInUrl, siteOf, siteProblems } from './ui/site.ts'

/** Folder of the embedded database. */
export const DATA_FOLDER = '.data'

const databaseUrl = z.string().superRefine((text, context) => {
  for (const message of databaseUrlProblems(text)) context.addIssue({ code: 'custom', message })
  if (namesSchema(text)) context.addIssue({ code: 'custom', message: 'name the schema in DATABASE_SCHEMA' })
})

const environment = z.object({
  DATABASE_URL: databaseUrl.optional(),
  DATABASE_DIRECT_URL: databaseUrl.optional(),
  DATABASE_READ_URL: databaseUrl.optional(),
  DATABASE_SCHEMA: z.string().regex(SCHEMA_NAME, `must be ${SCHEMA_NAME_RULE}`).default(DEFAULT_SCHEMA),
  HOST: z
    .string()
    .refine((text) => isIP(text) > 0 || /^[a-z0-9.-]+$/i.test(text), 'must be an address or a host name')
    .default('127.0.0.1'),
  PORT: z
    .string()
    .refine(
      (text) => /^[1-9]\d{0,4}$/.test(text) && Number(text) <= 65_535,
      'must be a port number, 1 to 65535',
    )
    .default('4000')
    .transform(Number),
  PUBLIC_URL: origin.optional(),
  APP_NAME: appName.optional(),
  APP_URL: appUrl.optional(),
  APP_LOGO_URL: appUrl.optional(),
  APP_ACCENT: accent.optional(),
  SIGN_IN_URL: signInUrl.optional(),
  BASE_PATH: basePath.default(''),
  SESSION_COOKIE: cookieNames.optional(),
  AUTH_SECRET: z.string().min(16, 'must have 16 characters or more').transform(secretsOf).optional(),
  COOKIE_DOMAIN: z
    .string()
    .regex(/^\.?([a-z0-9-]+\.)+[a-z0-9-]+$/i, 'must be a domain such as example.com')
    .optional(),
  SESSION_MAX_AGE: duration.default(30 * UNITS.d),
  SESSION_IDLE_TIMEOUT: duration.optional(),
  REVOCATION_RETENTION: duration.optional(),
  ADDRESS_RETENTION: duration.default(180 * UNITS.d),
  ALLOWED_REDIRECTS: origins.default([]),
  CLEAR_SITE_DATA: siteData.default(['cache']),
  TRUST_PROXY: addresses.default([]),
  TRUST_PROXY_HEADER: z
    .enum(['x-forwarded-for', 'forwarded'], 'must be x-forwarded-for or forwarded')
    .default('x-forwarded-for'),
  GEOIP_DATABASE: absolutePath.optional(),
  PLACE_HEADERS: headerNames.default([]),
  DEVICES_MAX_AUTH_AGE: duration.optional(),
  STAFF_MAX_AUTH_AGE: duration.default(15 * UNITS.m),
  INCIDENT_APPROVAL_ABOVE: wholeNumber(0, 999_999_999).optional(),
  LOG_LEVEL: z
    .enum(
      ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'],
      'must be trace, debug, info, warn, error, fatal or silent',
    )
    .default('info'),
  CHECK_MODE: z.enum(['database', 'leased'], 'must be database or leased').default('leased'),
  JOURNAL_FOLDER: absolutePath.optional(),
  CHECK_CACHE: wholeNumber(1, 10_000_000).default(250_000),
  WORKERS: wholeNumber(1, 64).default(1),
})

export type Config = ReturnType<typeof readConfig>

/** Names in the environment that look like a misspelt setting, each with the setting that is probably meant. */
export function misspeltSettings(env: Record<string, string | undefined>): { name: string; meant: string }[] {
  const known = Object.keys(environment.shape)
  return Object.keys(env).flatMap((name) => {
    const meant = known.includes(name) ? null : meantBy(name, known)
    return meant ? [{ name, meant }] : []
  })
}

/** Invalid settings, one line each, by name. */
export class ConfigError extends Error {
  readonly problems: string[]

  constructor(problems: string[]) {
    super(`Invalid settings:\n${problems.map((line) => `  ${line}`).join('\n')}`)
    this.name = 'ConfigError'
    this.problems = problems
  }
}

/** Reads the settings; an empty value counts as not set. @throws ConfigError with every problem. */
export function readConfig(env: Record<string, string | undefined>) {
  const given = Object.fromEntries(
    Object.entries(env).filter(([, value]) => value !== undefined && value !== ''),
  )
  const parsed = environment.safeParse(given)
  const problems = parsed.success
    ? crossCheck(parsed.data)
    : parsed.error.issues.map((issue) => `${issue.path[0]?.toString()}: ${issue.message}`)
  if (!parsed.success || problems.length > 0) throw new ConfigError([...new Set(problems)])

  const set = parsed.data
  const publicUrl = new URL(publicUrlOf(set))
  const secure = publicUrl.protocol === 'https:'
  return Object.freeze({
    /** All three name DATABASE_SCHEMA, too. */
    databaseUrl: set.DATABASE_URL && withSchema(set.DATABASE_URL, set.DATABASE_SCHEMA),
    databaseDirectUrl: set.DATABASE_DIRECT_URL && withSchema(set.DATABASE_DIRECT_URL, set.DATABASE_SCHEMA),
    databaseReadUrl: set.DATABASE_READ_URL && withSchema(set.DATABASE_READ_URL, set.DATABASE_SCHEMA),
    databaseSchema: set.DATABASE_SCHEMA,
    host: set.HOST,
    port: set.PORT,
    publicOrigin: publicUrl.origin,
    secure,
    site: siteOf(set),
    cookie: Object.freeze(cookieOf(set)),
    authSecrets: Object.freeze(set.AUTH_SECRET ?? []),
    policy: Object.freeze({
      maxAgeSeconds: set.SESSION_MAX_AGE,
      idleTimeoutSeconds: set.SESSION_IDLE_TIMEOUT ?? Math.min(7 * UNITS.d, set.SESSION_MAX_AGE),
    }),
    revocationRetentionSeconds: set.REVOCATION_RETENTION ?? Math.max(400 * UNITS.d, set.SESSION_MAX_AGE),
    addressRetentionSeconds: set.ADDRESS_RETENTION,
    allowedRedirects: set.ALLOWED_REDIRECTS,
    clearSiteData: set.CLEAR_SITE_DATA,
    trustProxy: set.TRUST_PROXY,
    trustProxyHeader: set.TRUST_PROXY_HEADER,
    geoipDatabase: set.GEOIP_DATABASE ?? null,
    placeHeaders: set.PLACE_HEADERS,
    devicesMaxAuthAgeSeconds: set.DEVICES_MAX_AUTH_AGE ?? null,
    staffMaxAuthAgeSeconds: set.STAFF_MAX_AUTH_AGE,
    incidentApprovalAbove: set.INCIDENT_APPROVAL_ABOVE ?? null,
    logLevel: set.LOG_LEVEL,
    checkMode: set.CHECK_MODE,
    checkCache: set.CHECK_CACHE,
    journalFolder: set.JOURNAL_FOLDER ?? null,
    workers: set.WORKERS,
  })
}

type Environment = z.infer<typeof environment>

/** Finds settings that contradict each other. */
function crossCheck(set: Environment): string[] {
  const problems: string[] = []
  const { COOKIE_DOMAIN: domain } = set
  const { name, names, secure } = cookieOf(set)
  if (name === '') {
    problems.push(
      secure
        ? 'SESSION_COOKIE: a __Host- cookie has no domain; add a name with __Secure- or leave COOKIE_DOMAIN out'
        : `SESSION_COOKIE: browsers accept the prefix of ${names.join(' and ')} over https only; set PUBLIC_URL to an https origin`,
    )
  }
  if (!set.DATABASE_URL && !isLoopback(set.HOST)) {
    problems.push(
      'DATABASE_URL: name the database. Without one, only the demo of a checkout runs, where anyone can sign in without a password: on this machine only, not on this HOST',
    )
  }
  if (set.DATABASE_DIRECT_URL && !set.DATABASE_URL)
    problems.push('DATABASE_DIRECT_URL: set DATABASE_URL, too, to the address of the pooler')
  if (set.DATABASE_READ_URL && !set.DATABASE_URL)
    problems.push('DATABASE_READ_URL: set DATABASE_URL, too, to the address of the primary')
  if (secure && set.APP_LOGO_URL?.startsWith('http:'))
    problems.push(
      'APP_LOGO_URL: must be https, because browsers load nothing else into a page of an https origin',
    )
  problems.push(...siteProblems(set, publicUrlOf(set)))
  const host = new URL(publicUrlOf(set)).hostname
  if (domain && host !== domain.replace(/^\./, '') && !host.endsWith(`.${domain.replace(/^\./, '')}`)) {
    problems.push(
      `COOKIE_DOMAIN: browsers refuse a cookie for ${domain} from ${host}, the host of PUBLIC_URL`,
    )
  }
  if (set.PLACE_HEADERS.length > 0 && set.TRUST_PROXY.length === 0)
    problems.push('PLACE_HEADERS: set TRUST_PROXY, too: they are believed only from senders that it lists')
  if (set.SESSION_IDLE_TIMEOUT && set.SESSION_IDLE_TIMEOUT > set.SESSION_MAX_AGE) {
    problems.push('SESSION_IDLE_TIMEOUT: must not be longer than SESSION_MAX_AGE')
  }
  if (set.REVOCATION_RETENTION && set.REVOCATION_RETENTION < UNITS.d) {
    problems.push('REVOCATION_RETENTION: must not be shorter than 1d')
  }
  if (set.REVOCATION_RETENTION && set.REVOCATION_RETENTION < set.SESSION_MAX_AGE) {
    problems.push('REVOCATION_RETENTION: must not be shorter than SESSION_MAX_AGE')
  }
  if (set.ADDRESS_RETENTION < UNITS.d) problems.push('ADDRESS_RETENTION: must not be shorter than 1d')
  return problems
}

function publicUrlOf(set: Environment): string {
  const host = isIP(set.HOST) === 6 ? `[${set.HOST}]` : set.HOST
  return set.PUBLIC_URL ?? `http://${host}:${set.PORT}`
}

/** The session cookies that are read, the first of them deciding, and the name of the one that is set. */
function cookieOf(set: Environment) {
  const scope = { secure: publicUrlOf(set).startsWith('https:'), domain: set.COOKIE_DOMAIN }
  const names = set.SESSION_COOKIE ?? defaultNames(scope)
  // An empty name, where browsers store none of them, is an error of crossCheck.
  return { ...scope, names, name: names.find((name) => isSettable(name, scope)) ?? '' }
}

/** Several, separated by commas or spaces, while one replaces another. The whole is also tried: a secret may contain a comma. */
function secretsOf(text: string): string[] {
  return [...new Set([text, ...text.split(/[\s,]+/).filter(Boolean)])]
}

function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || (isIP(host) === 4 && host.startsWith('127.'))
}
