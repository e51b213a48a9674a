/** The application that the pages belong to: its name and look, and the ways to sign in and back. */
import { hash } from 'node:crypto'
import { z } from 'zod'
import { accentStyle } from './accent.ts'

const LONGEST_NAME = 60
/** In SIGN_IN_URL, where the address goes to which the user returns. */
const RETURN = '{return}'

const webAddress = (text: string) => URL.canParse(text) && /^https?:$/.test(new URL(text).protocol)

export const appName = z
  .string()
  .refine(
    (text) => text.length <= LONGEST_NAME && !/[\p{Cc}\p{Bidi_Control}]/u.test(text),
    `must have ${LONGEST_NAME} characters at most, and none that controls text`,
  )

export const appUrl = z.string().refine(webAddress, 'must be an address such as https://app.example.com/')

export const accent = z
  .string()
  .regex(/^#[0-9a-f]{6}$/i, 'must be a colour such as #1f5fd0')
  .transform((text) => text.toLowerCase())

export const signInUrl = z
  .string()
  .refine(
    (text) =>
      webAddress(/^\/(?!\/)/.test(text) ? `http://site${text}` : text) && text.split(RETURN).length <= 2,
    `must be an address or a path, such as /login?callbackUrl=${RETURN}`,
  )

export const basePath = z
  .string()
  .regex(/^(\/[\w~-][\w.~-]*)+$/, 'must be a path such as /account, without a slash at its end')

/** What the service itself answers, by the first part of the path. */
const OWN = new Set(
  'accent.css admin api assets check devices docs events healthz introspect leases login logout metrics openapi.json readyz sessions sign-in signed-out'.split(
    ' ',
  ),
)

/** @returns what is wrong with the addresses, by setting. */
export function siteProblems(
  { BASE_PATH, SIGN_IN_URL }: Pick<Given, 'BASE_PATH' | 'SIGN_IN_URL'>,
  publicUrl: string,
): string[] {
  const problems: string[] = []
  if (OWN.has(BASE_PATH.split('/')[1] ?? ''))
    problems.push('BASE_PATH: must begin with a part that no path of the service has, such as /account')
  const { origin, pathname } = new URL(SIGN_IN_URL?.replace(RETURN, '') ?? publicUrl, publicUrl)
  const ends = ['/sign-in', '/signed-out', '/devices'].flatMap((path) => [path, BASE_PATH + path])
  if (SIGN_IN_URL && origin === new URL(publicUrl).origin && ends.includes(pathname))
    problems.push('SIGN_IN_URL: must not be a page of this service, which would lead to itself')
  return problems
}

export interface SiteSettings {
  name: string | null
  url: string | null
  logoUrl: string | null
  accent: string | null
  signInUrl: string | null
  basePath: string
}

interface Given {
  APP_NAME?: string | undefined
  APP_URL?: string | undefined
  APP_LOGO_URL?: string | undefined
  APP_ACCENT?: string | undefined
  SIGN_IN_URL?: string | undefined
  BASE_PATH: string
}

/** The settings by the names that the pages use. */
export function siteOf(set: Given): Readonly<SiteSettings> {
  return Object.freeze({
    name: set.APP_NAME ?? null,
    url: set.APP_URL ?? null,
    logoUrl: set.APP_LOGO_URL ?? null,
    accent: set.APP_ACCENT ?? null,
    signInUrl: set.SIGN_IN_URL ?? null,
    basePath: set.BASE_PATH,
  })
}

export type Site = ReturnType<typeof createSite>

/** @param signInPath the sign-in page of the demo, for a service without SIGN_IN_URL. */
export function createSite(settings: SiteSettings, publicOrigin: string, signInPath: string | null) {
  const { basePath, accent, signInUrl } = settings
  const style = accent === null ? null : accentStyle(accent)
  /** The address of one of the service's own paths, or of a path on this site. */
  const absolute = (path: string) => new URL(path, publicOrigin).href
  return {
    name: settings.name ?? 'global-logout',
    /** Whether APP_NAME is set. */
    isNamed: settings.name !== null,
    /** The front page of the application. */
    url: settings.url,
    logoUrl: settings.logoUrl,
    basePath,
    absolute,
    /** A stylesheet of the application's colour, and its path. */
    accent: style && { style, href: `/accent.css?v=${hash('sha256', style, 'base64url').slice(0, 12)}` },
    /** A path of the service, as browsers see it. */
    path: (path: string) => basePath + path,
    /** The sign-in page; null without one. @param back the allowed address to which the user returns. */
    signIn(back: string | null): string | null {
      if (!signInUrl) return signInPath && absolute(basePath + signInPath)
      const target = absolute(back ?? settings.url ?? `${basePath}/devices`)
      return absolute(signInUrl.replace(RETURN, encodeURIComponent(target)))
    },
    /** Whether the sign-in page leads back. */
    leadsBack: signInUrl?.includes(RETURN) ?? false,
  }
}
