/**
 * Opens every connection to PostgreSQL. Before its first use a connection is verified, in one round trip: it leads to a writable
 * primary where triggers fire, and has the settings that the service needs. Once is enough: a demoted primary restarts and closes
 * its connections, and connections to a standby, which would survive its promotion, are refused.
 */
import pg from 'pg'
import { runDetached } from '../lib/run-detached.ts'
import { clientConfig } from './client-config.ts'
import { type ServerState, setUpSql, type Timeouts } from './connection-settings.ts'
import { parseDatabaseUrl, type Server } from './database-url.ts'
import { DEFAULT_SCHEMA, inSchema } from './own-schema.ts'

export interface ConnectorOptions {
  /** `application_name`, unless the URL has one. */
  name: string
  /** Time to open and verify a connection, in milliseconds. Several hosts share it equally. */
  connectMs: number
  /** Each defaults to `connectMs`. */
  timeouts?: Partial<Timeouts>
  keepAliveInitialDelayMillis?: number
}

/** The server answers, but its data may be stale, or a session that ends there would leave no record. */
export class UnfitServer extends Error {
  /** The message for callers, without the name of the host. */
  readonly detail: string
  /** Whether it may become fit without intervention, as a standby does by promotion. */
  readonly temporary: boolean

  constructor(server: string, what: string, advice: string, temporary = true) {
    super(`${server} ${what}. ${advice}`)
    this.name = 'UnfitServer'
    this.detail = `The database ${what}.`
    this.temporary = temporary
  }
}

/** @throws UnfitServer unless the server is a writable primary where triggers fire. */
function requirePrimary([recovering, readOnly, replicationRole]: ServerState, server: string): void {
  if (recovering)
    throw new UnfitServer(
      server,
      'is a standby, which may lag behind and cannot end sessions',
      'DATABASE_URL must lead to the primary, or list all hosts.',
    )
  if (readOnly === 'on')
    throw new UnfitServer(
      server,
      'is read-only: default_transaction_read_only is on',
      'Set it to off for the server, the database and the user of DATABASE_URL.',
    )
  if (replicationRole === 'replica')
    throw new UnfitServer(
      server,
      'skips triggers: session_replication_role is replica, so ended sessions would leave no record',
      'Set it to origin for the server, the database and the user of DATABASE_URL.',
      false,
    )
}

export interface Connector {
  /** A connection to the current host. `connect` verifies it, or fails. */
  Client: new () => pg.Client
  /**
   * Runs `connect`, which connects one new `Client`, until it succeeds: first with the host verified last, then with the others in
   * the order of the list. @throws the host's error, or one that names the error of each host.
   */
  connectToAny<C>(connect: () => Promise<C>): Promise<C>
  /** A connection outside any pool. @param opening called with each client before it connects. */
  connect(opening?: (client: pg.Client) => void): Promise<pg.Client>
}

/** @throws DatabaseUrlError when the URL cannot be fulfilled. */
export function createConnector(
  text: string,
  { name, connectMs, timeouts, keepAliveInitialDelayMillis = 0 }: ConnectorOptions,
): Connector {
  const url = parseDatabaseUrl(text)
  const { servers, schema } = url
  const { connect_timeout, channel_binding } = url.parameters
  // As in libpq, connect_timeout applies to each host, and 0 sets no limit.
  const hostMs = Math.min(connectMs / servers.length, (Number(connect_timeout) || Infinity) * 1_000)
  const setUpQuery = setUpSql({
    statementMs: connectMs,
    lockMs: connectMs,
    idleInTransactionMs: connectMs,
    ...timeouts,
  })
  /** The index of the host to try first: the one verified last. */
  let currentHost = 0

  class VerifiedClient extends pg.Client {
    readonly #index = currentHost
    /** An unreadable certificate. Thrown by `connect`, because a pool calls the constructor where no error is caught. */
    readonly #configError: unknown
    /** Set when the server does not authenticate as `channel_binding` requires. */
    #unbound: Error | undefined

    constructor() {
      const keepAlive = { keepAlive: true, keepAliveInitialDelayMillis }
      let configError: unknown
      let config = {}
      try {
        config = clientConfig(url, servers[currentHost] as Server)
      } catch (error) {
        configError = error
      }
      super({ application_name: name, ...config, ...keepAlive })
      this.#configError = configError
      // A query throws its own error; without this listener the same error would also end the process.
      this.on('error', () => {})
      if (channel_binding === 'require') this.#requireBinding()
    }

    /** These listeners run before those of node-postgres: they close the stream before a password is sent. */
    #requireBinding(): void {
      let offered = false
      const refuse = () => {
        this.#unbound ??= new Error(
          'the server does not bind the login to the TLS channel, as channel_binding=require demands',
        )
        this.connection.stream.destroy(this.#unbound)
      }
      this.connection
        .on('authenticationCleartextPassword', refuse)
        .on('authenticationMD5Password', refuse)
        .on('authenticationSASL', ({ mechanisms }: { mechanisms: string[] }) => {
          offered = mechanisms.includes('SCRAM-SHA-256-PLUS')
          if (!offered) refuse()
        })
        // node-postgres clears `saslSession` once it has verified the server's signature.
        .on('authenticationOk', () => {
          if (!offered || (this as { saslSession?: unknown }).saslSession) refuse()
        })
    }

    override connect(): Promise<pg.Client>
    override connect(callback: (error: Error | null) => void): void
    override connect(callback?: (error: Error | null) => void): Promise<pg.Client> | undefined {
      const opened = this.#open()
      if (!callback) return opened
      opened.then(() => callback(null), callback)
      return undefined
    }

    async #open(): Promise<pg.Client> {
      const timeOut = () => this.connection.stream.destroy(new Error('timeout expired'))
      const timer = setTimeout(timeOut, hostMs)
      try {
        if (this.#configError) throw this.#configError
        await super.connect()
        if (this.#unbound) throw this.#unbound
        // A connection serves many requests: no request's trace should contain its set-up.
        await runDetached(() => this.#verify()).catch((error) => {
          void this.end()
          throw error
        })
        return this
      } catch (cause) {
        const error = this.#unbound ?? cause
        if (currentHost === this.#index) currentHost = (currentHost + 1) % servers.length
        throw servers.length > 1 ? withServerName(error, this.#server) : error
      } finally {
        clearTimeout(timer)
      }
    }

    async #verify(): Promise<void> {
      const query = { text: setUpQuery, rowMode: 'array' as const }
      const results = (await this.query(query)) as unknown as pg.QueryArrayResult[]
      const found = results.find(({ rows }) => rows.length > 0)?.rows[0]
      requirePrimary(found as ServerState, this.#server)
    }

    /** Names our objects in the schema of DATABASE_SCHEMA. */
    // biome-ignore lint/suspicious/noExplicitAny: the overloads of node-postgres
    override query(query: any, ...rest: any[]): any {
      return super.query(schema === DEFAULT_SCHEMA ? query : renamed(query, schema), ...(rest as []))
    }

    get #server(): string {
      return this.host.startsWith('/') ? this.host : `${this.host}:${this.port}`
    }
  }

  async function connectToAny<C>(connect: () => Promise<C>): Promise<C> {
    const errors: unknown[] = []
    while (errors.length < servers.length) {
      try {
        return await connect()
      } catch (error) {
        errors.push(error)
      }
    }
    if (errors.length === 1) throw errors[0]
    const reasons = errors.map((error) => (error as Error).message).join('; ')
    throw new AggregateError(errors, `no host of DATABASE_URL is a primary that answers: ${reasons}`)
  }

  return {
    Client: VerifiedClient,
    connectToAny,
    connect: (opening = () => {}) =>
      connectToAny(async () => {
        const client = new VerifiedClient()
        opening(client)
        return client.connect()
      }),
  }
}

/** A query with the names of `schema`. A `Submittable` belongs to one connection and is changed in place. */
function renamed(query: string | { text?: string; submit?: unknown }, schema: string) {
  if (typeof query === 'string') return inSchema(query, schema)
  if (typeof query.text !== 'string') return query
  const text = inSchema(query.text, schema)
  return query.submit ? Object.assign(query, { text }) : { ...query, text }
}

/** The error of one of several hosts, with the host in its message. */
function withServerName(error: unknown, server: string): unknown {
  if (error instanceof UnfitServer) return error
  const { message, code } = error as NodeJS.ErrnoException
  return Object.assign(new Error(`${server}: ${message || code}`, { cause: error }), code && { code })
}

/** The `UnfitServer` among the causes of a failed connection, if there is one. */
export function unfitServer(error: unknown): UnfitServer | undefined {
  const errors = error instanceof AggregateError ? error.errors : [error]
  return errors.find((each) => each instanceof UnfitServer)
}

/** No server answers at the address, or a proxy without a primary closes the connection. */
const UNREACHABLE = [
  'ECONNREFUSED',
  'ECONNRESET',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ETIMEDOUT',
  'ENOTFOUND',
  'EAI_AGAIN',
]

/** Whether a connection that failed with this error may succeed later: the server is unreachable, starts, or is a standby. */
export function isTemporaryFailure(error: unknown): boolean {
  if (error instanceof UnfitServer) return error.temporary
  const { code = '', message } = error as NodeJS.ErrnoException
  if (UNREACHABLE.includes(code) || code.startsWith('57P')) return true
  if (error instanceof AggregateError) return error.errors.some(isTemporaryFailure)
  return /timeout expired|^Connection terminated/.test(message)
}
