/** Checks of the settings, for `global-logout doctor`: names, cookies, redirects, sign-in and proxies. */
import { type Config, ConfigError, misspeltSettings, readConfig } from '../config.ts'
import { type Finding, ok, problem, warning } from './finding.ts'

/** The settings without the invalid ones, and the problem of each of those. */
export function readValidSettings(env: Record<string, string | undefined>): {
  config: Config
  problems: string[]
} {
  const valid = { ...env }
  const problems = new Set<string>()
  for (;;)
    try {
      return { config: readConfig(valid), problems: [...problems] }
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error
      for (const line of error.problems) problems.add(line)
      const named = error.problems.map((line) => line.split(/[.:]/, 1)[0] ?? '')
      const wrong = named.filter((name) => valid[name] !== undefined)
      // A setting that another one needs is missing: HOST may need a database. Else only the database is left to look at.
      const rest = valid.HOST ? ['HOST'] : Object.keys(valid).filter((name) => !/^DATABASE_/.test(name))
      for (const name of wrong.length > 0 ? wrong : rest) valid[name] = undefined
    }
}

export function checkNames(env: Record<string, string | undefined>): Finding[] {
  return misspeltSettings(env).map(({ name, meant }) =>
    warning(name, `is not a setting, and has no effect. Did you mean ${meant}?`),
  )
}

export function checkSettings(config: Config): Finding[] {
  const { secure, publicOrigin, cookie, allowedRedirects, trustProxy, trustProxyHeader, site } = config
  const local = /^https?:\/\/(localhost|127\.|\[::1\])/.test(publicOrigin)
  const insecure = allowedRedirects.filter((origin) => origin.startsWith('http://'))
  return [
    secure || local
      ? ok('cookie', `${cookie.name}, ${secure ? 'Secure' : 'without Secure: plain http on this machine'}`)
      : problem(
          'cookie',
          `PUBLIC_URL is ${publicOrigin}: tokens are sent unencrypted. Add a TLS proxy, and set PUBLIC_URL to its https address.`,
        ),
    cookie.domain
      ? warning(
          'cookie domain',
          `every host below ${cookie.domain} receives the session cookie. Unset COOKIE_DOMAIN if one host is enough.`,
        )
      : ok('cookie domain', 'none: only one host receives the cookie'),
    insecure.length > 0 && secure
      ? warning(
          'redirects',
          `sign-out may redirect users to plain http: ${insecure.join(', ')}. Use https in ALLOWED_REDIRECTS.`,
        )
      : ok('redirects', allowedRedirects.length > 0 ? allowedRedirects.join(', ') : 'only to this site'),
    secure && !site.signInUrl
      ? warning(
          'sign-in',
          'SIGN_IN_URL is missing: the pages cannot lead users to your sign-in. Set it, with {return} for the way back.',
        )
      : ok('sign-in', site.signInUrl ?? 'none: on this machine only'),
    secure && trustProxy.length === 0
      ? warning(
          'proxy',
          'PUBLIC_URL is https, but TRUST_PROXY is empty: every device would show the address of the proxy. Set TRUST_PROXY.',
        )
      : ok(
          'proxy',
          trustProxy.length > 0 ? `${trustProxyHeader} is trusted from ${trustProxy.join(', ')}` : 'none',
        ),
  ]
}
