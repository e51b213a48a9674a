/**
 * Parses DATABASE_URL. Every part of it takes effect, or is refused by name. No message repeats text that may hold a password: an
 * unescaped "@", "/" or "?" in one shifts the parts after it. Neither `URL` nor pg-connection-string reads several hosts, and the
 * latter ignores unknown parameters.
 */
import { isSetByService } from './connection-settings.ts'
import { DEFAULT_SCHEMA, SCHEMA_NAME, SCHEMA_NAME_RULE } from './schema-name.ts'

/** A host of the list. Missing parts default as in node-postgres: PGHOST and PGPORT, else localhost and 5432. */
export interface Server {
  host?: string
  port?: number
}

export interface DatabaseUrl {
  /** At least one, in the order of the URL. */
  servers: Server[]
  user?: string
  password?: string
  database?: string
  parameters: Partial<Record<Parameter, string>>
  /** The schema of our objects. */
  schema: string
}

/** Everything that is wrong with a DATABASE_URL, one sentence each. */
export class DatabaseUrlError extends Error {
  readonly problems: string[]

  constructor(problems: string[]) {
    super(problems.map((each) => `DATABASE_URL: ${each}`).join('\n'))
    this.name = 'DatabaseUrlError'
    this.problems = problems
  }
}

const PARAMETERS = [
  'application_name',
  'channel_binding',
  'connect_timeout',
  'global_logout_schema',
  'host',
  'options',
  'password',
  'port',
  'sslcert',
  'sslkey',
  'sslmode',
  'sslnegotiation',
  'sslrootcert',
  'target_session_attrs',
  'user',
] as const
type Parameter = (typeof PARAMETERS)[number]

export const SSL_MODES = ['disable', 'no-verify', 'prefer', 'require', 'verify-ca', 'verify-full'] as const

/** Carries DATABASE_SCHEMA from the settings to each connection; in DATABASE_URL itself it is refused. */
const SCHEMA_PARAMETER = 'global_logout_schema'

/** Parameters of Prisma's URLs, which are copied here most often. What to do instead. */
const HINTS: Record<string, string> = {
  schema:
    "is Prisma's. Leave it out: the service has a schema of its own, DATABASE_SCHEMA, wherever the tables of the application are",
  pgbouncer:
    "is Prisma's. Leave it out; behind a pooler in transaction mode, set DATABASE_DIRECT_URL as well",
  connection_limit: "is Prisma's. Leave it out: docs/operations.md lists the connections of the service",
  pool_timeout: "is Prisma's. Leave it out: the service has deadlines of its own",
}

/** The values of parameters that allow only some. */
const VALUES: { [name in Parameter]?: string[] } = {
  channel_binding: ['disable', 'prefer', 'require'],
  sslmode: [...SSL_MODES],
  sslnegotiation: ['postgres', 'direct'],
  target_session_attrs: ['read-write', 'primary'],
}

const UNKNOWN = `is not supported; supported are ${PARAMETERS.filter((name) => name !== SCHEMA_PARAMETER).join(', ')}`

const SHAPE = /^postgres(?:ql)?:\/\/(?:([^/?#\s]*)@)?([^@/?#\s]*)(?:\/([^@/?#\s]*))?(?:\?([^@?#\s]*))?$/
const SERVER = /^(?:\[([^[\]]*)\]|([^:[\]]*))(?::(\d*))?$/
const EXAMPLE =
  'must be a URL such as postgres://user:password@host:5432/database, with %40, %2F, %3F, %23 and %20 for "@", "/", "?", "#" and a space inside a part'

/** @throws DatabaseUrlError naming every problem. */
export function parseDatabaseUrl(text: string): DatabaseUrl {
  const [whole, login = '', authority = '', path = '', query = ''] = SHAPE.exec(text) ?? []
  if (whole === undefined) throw new DatabaseUrlError([EXAMPLE])
  const problems: string[] = []
  const decode = (part: string, what: string): string => {
    try {
      const decoded = decodeURIComponent(part)
      if (!decoded.includes('\0')) return decoded
    } catch {
      // Reported below.
    }
    problems.push(`${what} is not percent-encoded correctly; write "%" as %25`)
    return ''
  }

  const parameters: DatabaseUrl['parameters'] = {}
  for (const pair of query.split('&').filter(Boolean)) {
    const [name = '', value = ''] = pair.split(/=(.*)/s)
    const known = PARAMETERS.find((each) => each === name)
    if (!known) problems.push(`${parameterName(name)} ${HINTS[name] ?? UNKNOWN}`)
    else if (known in parameters) problems.push(`${known} is given twice`)
    // A plus is a space in a query, as URLSearchParams writes it and node-postgres reads it.
    else parameters[known] = decode(value.replaceAll('+', ' '), known)
  }
  problems.push(...parameterProblems(parameters))

  const [user = '', password] = login.split(/:(.*)/s)
  const parts = {
    user: parameters.user ?? decode(user, 'the user'),
    password: parameters.password ?? (password === undefined ? '' : decode(password, 'the password')),
    database: decode(path, 'the database'),
  }
  const servers = parseServers(authority, parameters, (host) => decode(host, 'a host'), problems)
  if (problems.length > 0) throw new DatabaseUrlError(problems)
  const given = Object.fromEntries(Object.entries(parts).filter(([, value]) => value !== ''))
  return { servers, ...given, parameters, schema: parameters.global_logout_schema ?? DEFAULT_SCHEMA }
}

/** The URL with DATABASE_SCHEMA as a parameter of its own: so whatever opens a connection has it. */
export function withSchema(url: string, schema: string): string {
  if (schema === DEFAULT_SCHEMA) return url
  return `${url}${url.includes('?') ? '&' : '?'}${SCHEMA_PARAMETER}=${schema}`
}

/** Whether the URL carries a schema. In DATABASE_URL it would contradict DATABASE_SCHEMA. */
export function namesSchema(url: string): boolean {
  return url.includes(`${SCHEMA_PARAMETER}=`)
}

/** Names a parameter. A name that does not look like one may be part of a password, and is not repeated. */
function parameterName(name: string): string {
  return /^\w{1,40}$/.test(name) ? `the parameter ${name}` : 'a parameter'
}

function parameterProblems(parameters: DatabaseUrl['parameters']): string[] {
  const problems: string[] = []
  for (const [name, values] of Object.entries(VALUES)) {
    const value = parameters[name as Parameter]
    if (value !== undefined && !values.includes(value)) problems.push(`${name} must be ${oneOf(values)}`)
  }
  const { sslmode, sslrootcert, sslcert, sslkey, sslnegotiation, channel_binding, connect_timeout } =
    parameters
  if (!SCHEMA_NAME.test(parameters[SCHEMA_PARAMETER] ?? DEFAULT_SCHEMA))
    problems.push(`${SCHEMA_PARAMETER} must be ${SCHEMA_NAME_RULE}`)
  const encrypted = sslmode !== 'disable'
  if (!encrypted && (sslrootcert || sslcert || sslkey))
    problems.push('sslrootcert, sslcert and sslkey have no effect with sslmode=disable')
  if (sslmode === 'no-verify' && sslrootcert)
    problems.push('sslrootcert has no effect with sslmode=no-verify')
  if (Boolean(sslcert) !== Boolean(sslkey)) problems.push('sslcert and sslkey must be given together')
  if (sslnegotiation === 'direct' && (!sslmode || !encrypted))
    problems.push('sslnegotiation=direct needs an sslmode that encrypts')
  if (channel_binding === 'require' && (!sslmode || !encrypted))
    problems.push('channel_binding=require needs an sslmode that encrypts')
  if (connect_timeout !== undefined && !/^\d{1,6}$/.test(connect_timeout))
    problems.push('connect_timeout must be a number of seconds')
  const { options = '' } = parameters
  const taken = [...options.matchAll(/(?:^|\s)(?:-c\s*|--)([\w.-]+)\s*=/g)]
    .map(([, name = '']) => name.toLowerCase().replaceAll('-', '_'))
    .filter(isSetByService)
  if (taken.length > 0) problems.push(`options cannot set ${taken.join(', ')}: the service sets it`)
  return problems
}

function oneOf(values: string[]): string {
  return `${values.slice(0, -1).join(', ')} or ${values.at(-1)}`
}

/** The hosts of the URL, or of the parameters `host` and `port`, which take precedence as in libpq. */
function parseServers(
  authority: string,
  parameters: DatabaseUrl['parameters'],
  decode: (host: string) => string,
  problems: string[],
): Server[] {
  const inUrl = authority.split(',').map((text) => SERVER.exec(text))
  if (inUrl.includes(null)) problems.push('write each host as host, host:port or [IPv6 address]:port')
  let hosts = inUrl.map((match) => decode(match?.[1] ?? match?.[2] ?? ''))
  let ports = inUrl.map((match) => match?.[3] ?? '')
  if (parameters.host !== undefined) {
    hosts = parameters.host.split(',')
    ports = hosts.map(() => '')
  }
  if (parameters.port !== undefined) {
    const [first = '', ...more] = parameters.port.split(',')
    ports = more.length === 0 ? hosts.map(() => first) : [first, ...more]
    if (ports.length !== hosts.length) problems.push('port must name one port, or one for each host')
  }
  if (hosts.length > 1 && hosts.includes('')) problems.push('a host of the list is empty')
  if (!ports.every((port) => port === '' || (/^\d{1,5}$/.test(port) && +port >= 1 && +port <= 65_535)))
    problems.push('each port must be a number from 1 to 65535')
  return hosts.map((host, i) => ({ ...(host && { host }), ...(ports[i] && { port: Number(ports[i]) }) }))
}
