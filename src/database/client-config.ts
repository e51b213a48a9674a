/**
 * How node-postgres connects as a DATABASE_URL asks. Its own reading of `sslmode` is not used: it changes with its next major
 * version, to a weaker one.
 */
import { readFileSync } from 'node:fs'
import type { ConnectionOptions as Tls } from 'node:tls'
import type pg from 'pg'
import {
  type DatabaseUrl,
  DatabaseUrlError,
  parseDatabaseUrl,
  type Server,
  type SSL_MODES,
} from './database-url.ts'

/** Encrypted unless false. All but `no-verify` check certificate and host name: no mode is weaker than its name. */
const TLS: Record<(typeof SSL_MODES)[number], Tls | false> = {
  disable: false,
  'no-verify': { rejectUnauthorized: false },
  prefer: {},
  require: {},
  'verify-ca': {},
  'verify-full': {},
}

const BOUND: (string | undefined)[] = ['prefer', 'require']

/** How node-postgres connects to one of the servers. Certificates are read anew each time: they are renewed while we run. @throws DatabaseUrlError */
export function clientConfig(url: DatabaseUrl, server: Server): pg.ClientConfig {
  const { user, password, database, parameters } = url
  const { application_name, channel_binding, options, sslnegotiation } = parameters
  const ssl = server.host?.startsWith('/') ? false : tlsOf(parameters)
  return {
    ...server,
    ...(user && { user }),
    ...(password && { password }),
    ...(database && { database }),
    ...(application_name && { application_name }),
    ...(options && { options }),
    ...(ssl !== undefined && { ssl }),
    ...(ssl && sslnegotiation === 'direct' && { sslnegotiation }),
    ...(ssl && BOUND.includes(channel_binding) && { enableChannelBinding: true }),
  }
}

function tlsOf({
  sslmode,
  sslrootcert,
  sslcert,
  sslkey,
}: DatabaseUrl['parameters']): Tls | false | undefined {
  if (!sslmode && !sslrootcert && !sslcert) return undefined
  const mode = TLS[(sslmode ?? 'verify-full') as keyof typeof TLS]
  return (
    mode && {
      ...mode,
      // "system" is no file in libpq either: the authorities that come with the client.
      ...(sslrootcert && sslrootcert !== 'system' && { ca: read('sslrootcert', sslrootcert) }),
      ...(sslcert && { cert: read('sslcert', sslcert) }),
      ...(sslkey && { key: read('sslkey', sslkey) }),
    }
  )
}

function read(parameter: string, path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    throw new DatabaseUrlError([
      `${parameter} names a file that cannot be read (${(error as NodeJS.ErrnoException).code})`,
    ])
  }
}

/** What is wrong with a DATABASE_URL, files that it names included. */
export function databaseUrlProblems(text: string): string[] {
  try {
    const url = parseDatabaseUrl(text)
    for (const server of url.servers) clientConfig(url, server)
    return []
  } catch (error) {
    if (error instanceof DatabaseUrlError) return error.problems
    throw error
  }
}
