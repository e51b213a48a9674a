/**
 * Opens every connection to PostgreSQL. Before its first use a connection is verified, in one round trip: it leads to a writable
 * primary where triggers fire, and has the settings that the service needs. Once is enough: a demoted primary restarts and closes
 * its connections, and connections to a standby, which would survive its promotion, are refused. Through a pooler in transaction
 * mode (`pooled`) nothing of this lasts: there each transaction does it again (`pooled-client.ts`).
 */
import pg from 'pg'
import { runDetached } from '../lib/run-detached.ts'
import { clientConfig } from './client-config.ts'
import { type ServerState, STATE_SQL, setUpSql, type Timeouts } from './connection-settings.ts'
import { parseDatabaseUrl, type Server } from './database-url.ts'
import { Pipeline, type Statement } from './pipeline.ts'
import { renamed } from './schema-name.ts'
import { otherServer, requirePrimary, UnfitServer } from './server-state.ts'

export interface ConnectorOptions {
  /** `application_name`, unless the URL has one. */
  name: string
  /** Time to open and verify a connection, in milliseconds. Several hosts share it equally. */
  connectMs: number
  /** Each defaults to `connectMs`. */
  timeouts?: Partial<Timeouts>
  keepAliveInitialDelayMillis?: number
  /** Whether a pooler in transaction mode may be in between: then connections set nothing that outlives a transaction. */
  pooled?: boolean
  /**
   * Whether prepared statements have one plan for all values. Of `unnest($1)` with one token PostgreSQL makes a new plan each time,
   * which costs three times as much as the check.
   */
  genericPlans?: boolean
  /** Whether a standby or a read-only server will do: for reads that decide nothing. */
  standby?: boolean
}

/** A connection of a connector. */
export interface Client extends pg.Client {
  /** Sends statements in one round trip. @param text the one that a trace shows. */
  sendTogether(statements: readonly Statement[], text: string): Pipeline
  /**
   * Reads the state of the server again.
   * @param serverId as `SERVER_ID` names it: the only server that is fit. @throws UnfitServer; then the next connection tries another
   * host first.
   */
  verify(serverId?: string | null): Promise<void>
  /** The server of this connection, as `SERVER_ID` names it. */
  readonly serverId: string | null
  /** Its address, for messages. */
  readonly server: string
  /** The next connection tries another host first. */
  tryOtherHost(): void
}

export interface Connector {
  /** A connection to the current host. `connect` verifies it, or fails. */
  Client: new () => Client
  /**
   * Runs `connect`, which connects one new `Client`, until it succeeds: first with the host verified last, then with the others in
   * the order of the list. @throws the host's error, or one that names the error of each host.
   */
  connectToAny<C>(connect: () => Promise<C>): Promise<C>
  /** The next connection tries another host first. */
  tryOtherHost(): void
  /** A connection outside any pool. @param opening called with each client before it connects. */
  connect(opening?: (client: Client) => void): Promise<Client>
}

/** Limits that are not given are the time to connect. */
export const completeTimeouts = (connectMs: number, timeouts: Partial<Timeouts> = {}): Timeouts => ({
  statementMs: connectMs,
  lockMs: connectMs,
  idleInTransactionMs: connectMs,
  ...timeouts,
})

/** @throws DatabaseUrlError when the URL cannot be fulfilled. */
export function createConnector(
  text: string,
  {
    name,
    connectMs,
    timeouts,
    keepAliveInitialDelayMillis = 0,
    pooled = false,
    genericPlans = false,
    standby = false,
  }: ConnectorOptions,
): Connector {
  const url = parseDatabaseUrl(text)
  const { servers, schema } = url
  const { connect_timeout, channel_binding } = url.parameters
  // As in libpq, connect_timeout applies to each host, and 0 sets no limit.
  const hostMs = Math.min(connectMs / servers.length, (Number(connect_timeout) || Infinity) * 1_000)
  const setUpQuery = pooled ? STATE_SQL : setUpSql(completeTimeouts(connectMs, timeouts), genericPlans)
  /** The index of the host to try first: the one verified last. */
  let currentHost = 0
  const tryOtherHost = () => {
    currentHost = (currentHost + 1) % servers.length
  }

  class VerifiedClient extends pg.Client implements Client {
    readonly #index = currentHost
    serverId: string | null = null
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
      this.on('notice', ({ routine }) => {
        // A COMMIT whose wait for a synchronous standby was cancelled is answered as done, with a warning from this routine.
        if (routine === 'SyncRepWaitForLSN')
          this.connection.emit('error', new Error('the commit may be lost'))
      })
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

    override connect(): Promise<this>
    override connect(callback: (error: Error | null) => void): void
    override connect(callback?: (error: Error | null) => void): Promise<this> | undefined {
      const opened = this.#open()
      if (!callback) return opened
      opened.then(() => callback(null), callback)
      return undefined
    }

    async #open(): Promise<this> {
      const timeOut = () => this.connection.stream.destroy(new Error('timeout expired'))
      const timer = setTimeout(timeOut, hostMs)
      try {
        if (this.#configError) throw this.#configError
        await super.connect()
        if (this.#unbound) throw this.#unbound
        // A connection serves many requests: no request's trace should contain its set-up.
        await runDetached(() => this.verify()).catch((error) => {
          void this.end()
          throw error
        })
        return this
      } catch (cause) {
        const error = this.#unbound ?? cause
        this.tryOtherHost()
        throw servers.length > 1 ? withServerName(error, this.server) : error
      } finally {
        clearTimeout(timer)
      }
    }

    async verify(serverId: string | null = null): Promise<void> {
      const query = { text: setUpQuery, rowMode: 'array' as const }
      const results = (await this.query(query)) as unknown as pg.QueryArrayResult[]
      if (standby) return
      const found = results.find(({ rows }) => rows.length > 0)?.rows[0]
      try {
        this.serverId = requirePrimary(found as ServerState, this.server)
        if (serverId && this.serverId !== serverId) throw otherServer(this.server)
      } catch (error) {
        this.tryOtherHost()
        throw error
      }
    }

    /** Once for each connection: the list may have gone on since. */
    tryOtherHost(): void {
      if (currentHost === this.#index) tryOtherHost()
    }

    sendTogether(statements: readonly Statement[], text: string): Pipeline {
      const named = statements.map((each) => renamed(each, schema))
      return super.query(new Pipeline(named, renamed(text, schema)))
    }

    /** Names our objects in the schema of DATABASE_SCHEMA. */
    // biome-ignore lint/suspicious/noExplicitAny: the overloads of node-postgres
    override query(query: any, ...rest: any[]): any {
      return super.query(renamed(query, schema), ...(rest as []))
    }

    get server(): string {
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
    tryOtherHost,
    connect: (opening = () => {}) =>
      connectToAny(async () => {
        const client = new VerifiedClient()
        opening(client)
        return client.connect()
      }),
  }
}

/** The error of one of several hosts, with the host in its message. */
function withServerName(error: unknown, server: string): unknown {
  if (error instanceof UnfitServer) return error
  const { message, code } = error as NodeJS.ErrnoException
  return Object.assign(new Error(`${server}: ${message || code}`, { cause: error }), code && { code })
}
