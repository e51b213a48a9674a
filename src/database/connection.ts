/**
 * Opens every connection to PostgreSQL. Before its first use a connection is verified, in one round trip: it leads to a
 * primary that writes, where triggers fire, and has the settings that the service relies on. Promotion keeps the connections of a
 * standby, so none is held to one; a primary that is demoted restarts and closes its own: once verified is enough.
 */
import pg from 'pg'
import { runDetached } from '../lib/run-detached.ts'
import { clientConfig } from './client-config.ts'
import { type Found, setUp, type Timeouts } from './connection-settings.ts'
import { parseDatabaseUrl, type Server } from './database-url.ts'

export interface Connecting {
  /** `application_name`, unless the URL has one. */
  name: string
  /** Time for a verified connection, in milliseconds; with several hosts each gets an equal part. */
  connectMs: number
  /** Those that differ from `connectMs`. */
  timeouts?: Partial<Timeouts>
  keepAliveInitialDelayMillis?: number
}

/** The server answers, but a session that it shows may be over, or one that ends there would leave no record. */
export class UnfitServer extends Error {
  /** The same for callers: without the host's name. */
  readonly detail: string
  /** Whether it may become fit by itself: a standby is promoted. */
  readonly mayChange: boolean

  constructor(server: string, what: string, advice: string, mayChange = true) {
    super(`${server} ${what}. ${advice}`)
    this.name = 'UnfitServer'
    this.detail = `The database ${what}.`
    this.mayChange = mayChange
  }
}

/** @throws UnfitServer */
function judge([recovering, readOnly, replicationRole]: Found, server: string): void {
  if (recovering)
    throw new UnfitServer(
      server,
      'is a standby, which may lag behind and can end nothing',
      'DATABASE_URL must lead to the primary, or list all hosts.',
    )
  if (readOnly === 'on')
    throw new UnfitServer(
      server,
      'only reads: default_transaction_read_only is on',
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
  /** A connection to the host whose turn it is. Its connecting ends verified, or fails. */
  Client: new () => pg.Client
  /**
   * Runs `connect`, which connects one new `Client`, until one host is good: the one that was verified last, then those
   * after it in the list, around to its beginning. @throws the host's error, or one that names each host's.
   */
  connectToAny<C>(connect: () => Promise<C>): Promise<C>
  /** One connection of its own. @param opening gets each client before it connects. */
  connect(opening?: (client: pg.Client) => void): Promise<pg.Client>
}

/** @throws DatabaseUrlError when the URL asks for what cannot be done. */
export function createConnector(
  text: string,
  { name, connectMs, timeouts, keepAliveInitialDelayMillis = 0 }: Connecting,
): Connector {
  const url = parseDatabaseUrl(text)
  const { servers } = url
  const { connect_timeout, channel_binding } = url.parameters
  // As in libpq, it is for each host, and 0 is no limit of its own.
  const hostMs = Math.min(connectMs / servers.length, (Number(connect_timeout) || Infinity) * 1_000)
  const setUpSql = setUp({
    statementMs: connectMs,
    lockMs: connectMs,
    idleInTransactionMs: connectMs,
    ...timeouts,
  })
  /** The host to try first: the one that was verified last. */
  let first = 0

  class VerifiedClient extends pg.Client {
    readonly #index = first
    /** Certificates that cannot be read any more: told when it connects, because a pool makes clients where nobody catches. */
    readonly #broken: unknown
    /** Set when the server authenticates us in another way than `channel_binding` demands. */
    #unbound: Error | undefined

    constructor() {
      const keepAlive = { keepAlive: true, keepAliveInitialDelayMillis }
      let broken: unknown
      let config = {}
      try {
        config = clientConfig(url, servers[first] as Server)
      } catch (error) {
        broken = error
      }
      super({ application_name: name, ...config, ...keepAlive })
      this.#broken = broken
      // What breaks a query is thrown there; without a listener it would end the process as well.
      this.on('error', () => {})
      if (channel_binding === 'require') this.#demandBinding()
    }

    /** Refuses before node-postgres answers: these listeners come before its own, and no password leaves a closed stream. */
    #demandBinding(): void {
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
        // node-postgres forgets the exchange once it has verified the server's signature.
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
      const late = () => this.connection.stream.destroy(new Error('timeout expired'))
      const timer = setTimeout(late, hostMs)
      try {
        if (this.#broken) throw this.#broken
        await super.connect()
        if (this.#unbound) throw this.#unbound
        // A connection serves many requests: its set-up belongs to the trace of none.
        await runDetached(() => this.#verify()).catch((error) => {
          void this.end()
          throw error
        })
        return this
      } catch (cause) {
        const error = this.#unbound ?? cause
        if (first === this.#index) first = (first + 1) % servers.length
        throw servers.length > 1 ? named(error, this.#server) : error
      } finally {
        clearTimeout(timer)
      }
    }

    async #verify(): Promise<void> {
      const query = { text: setUpSql, rowMode: 'array' as const }
      const results = (await this.query(query)) as unknown as pg.QueryArrayResult[]
      const found = results.find(({ rows }) => rows.length > 0)?.rows[0]
      judge(found as Found, this.#server)
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

/** One of several hosts failed. */
function named(error: unknown, server: string): unknown {
  if (error instanceof UnfitServer) return error
  const { message, code } = error as NodeJS.ErrnoException
  return Object.assign(new Error(`${server}: ${message || code}`, { cause: error }), code && { code })
}

/** The server that was no primary to rely on, if that is why there is no connection. */
export function unfitServer(error: unknown): UnfitServer | undefined {
  const errors = error instanceof AggregateError ? error.errors : [error]
  return errors.find((each) => each instanceof UnfitServer)
}

/** Nothing answers at the address, or a proxy that has no primary at the moment closes the connection. */
const NOT_THERE = [
  'ECONNREFUSED',
  'ECONNRESET',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ETIMEDOUT',
  'ENOTFOUND',
  'EAI_AGAIN',
]

/** Whether a server that failed so may be good in a moment: it is not there, starts up, or is a standby yet. */
export function isTemporaryFailure(error: unknown): boolean {
  if (error instanceof UnfitServer) return error.mayChange
  const { code = '', message } = error as NodeJS.ErrnoException
  if (NOT_THERE.includes(code) || code.startsWith('57P')) return true
  if (error instanceof AggregateError) return error.errors.some(isTemporaryFailure)
  return /timeout expired|^Connection terminated/.test(message)
}
