/**
 * Turns a DATABASE_URL into the configuration of node-postgres. The driver's own reading of `sslmode` is not used: its next major
 * version weakens it.
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

/** Encrypted unless false. All modes but `no-verify` check certificate and host name: none is weaker than its name. */
const TLS: Record<(typeof SSL_MODES)[number], Tls | false> = {
  disable: false,
  'no-verify': { rejectUnauthorized: false },
  prefer: {},
  require: {},
  'verify-ca': {},
  'verify-full': {},
}

const CHANNEL_BINDING: (string | undefined)[] = ['prefer', 'require']

/** The configuration for one of the servers. Certificates are read each time, because they are renewed while we run. @throws DatabaseUrlError */
export function clientConfig(url: DatabaseUrl, server: Server): pg.ClientConfig {
  const { user, password, database, parameters } = url
  const { application_name, channel_binding, options, sslnegotiation } = parameters
  const ssl = server.host?.startsWith('/') ? false : tlsOptions(parameters)
  return {
    ...server,
    ...(user && { user }),
    ...(password && { password }),
    ...(database && { database }),
    ...(application_name && { application_name }),
    ...(options && { options }),
    ...(ssl !== undefined && { ssl }),
    ...(ssl && sslnegotiation === 'direct' && { sslnegotiation }),
    ...(ssl && CHANNEL_BINDING.includes(channel_binding) && { enableChannelBinding: true }),
  }
}

function tlsOptions({
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
      // As in libpq, "system" is not a file: it means the client's own authorities.
      ...(sslrootcert && sslrootcert !== 'system' && { ca: readFileOf('sslrootcert', sslrootcert) }),
      ...(sslcert && { cert: readFileOf('sslcert', sslcert) }),
      ...(sslkey && { key: readFileOf('sslkey', sslkey) }),
    }
  )
}

function readFileOf(parameter: string, path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    throw new DatabaseUrlError([
      `${parameter} names a file that cannot be read (${(error as NodeJS.ErrnoException).code})`,
    ])
  }
}

/** Everything that is wrong with a DATABASE_URL, unreadable files included. */
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
