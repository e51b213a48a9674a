/** Browsers that sign in to an application with Auth.js: with a password, or at an identity provider. */
import { type Browser, openBrowser, type Site } from './browser.ts'

/** The password of every user. */
export const PASSWORD = 'correct horse battery staple'

interface SessionAnswer {
  user: { id: string; name?: string; email?: string; role?: string }
  expires: string
  error?: string
}

export interface App {
  origin: string
  /** Where Auth.js answers. */
  basePath: string
  cookieName: string
  answer: Site
}

/** @param how the body of a sign-in with the provider `credentials`, or the path of another provider */
export async function signIn(
  app: App,
  who: string,
  {
    browser = openBrowser({ [app.origin]: app.answer }),
    password = PASSWORD,
    provider,
  }: { browser?: Browser; password?: string; provider?: string } = {},
) {
  const auth = app.origin + app.basePath
  const csrfToken = async () => {
    const response = await browser.request(`${auth}/csrf`)
    return ((await response.json()) as { csrfToken: string }).csrfToken
  }
  const fields = { csrfToken: await csrfToken(), callbackUrl: `${auth}/session` }
  const { url } = provider
    ? await browser.visit(`${auth}/signin/${provider}?login_hint=${who}`, form(fields))
    : await browser.visit(`${auth}/callback/credentials`, form({ ...fields, username: who, password }))

  return {
    browser,
    /** Where the sign-in ended: at `/session` if it succeeded. */
    url,
    /** The session cookie; if it is in parts, all of them joined. */
    cookie: () => {
      const whole = browser.cookie(app.origin, app.cookieName)
      if (whole) return whole
      let parts = ''
      for (let i = 0, part: string | undefined = ''; part !== undefined; i++) {
        parts += part
        part = browser.cookie(app.origin, `${app.cookieName}.${i}`)
      }
      return parts || undefined
    },
    session: async () => (await (await browser.request(`${auth}/session`)).json()) as SessionAnswer | null,
    signOut: async () => browser.request(`${auth}/signout`, form({ csrfToken: await csrfToken() })),
    /** Like `update` of `useSession`: sends data for the application's callbacks. */
    update: async (data: object) => {
      const headers = { 'content-type': 'application/json' }
      const body = JSON.stringify({ csrfToken: await csrfToken(), data })
      await browser.request(`${auth}/session`, { method: 'POST', headers, body })
    },
    /** The status of `/check` at a service on the same host, with this browser's cookies. */
    check: async (base: string) => (await browser.request(`${base}/check`)).status,
  }
}

function form(fields: Record<string, string>): RequestInit {
  return {
    method: 'POST',
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
    body: new URLSearchParams(fields),
  }
}
