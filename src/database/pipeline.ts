/**
 * Several statements in one round trip. They are sent with a single Sync: after an error the server skips all that follow, so that
 * each statement can rely on those before it. Statements have no names.
 */
import pg from 'pg'

export type Statement = string | (pg.QueryConfig & { rowMode?: 'array' })

/** What node-postgres calls on its queries. */
interface Handlers {
  callback: (error: Error | null, result: pg.QueryResult) => void
  submit(connection: pg.Connection): void
  handleRowDescription(message: unknown): void
  handleDataRow(message: unknown): void
  handleCommandComplete(message: unknown, connection: pg.Connection): void
  handleReadyForQuery(connection: pg.Connection): void
}

/** A query for `pg.Client.query`. It collects results in queries of node-postgres, of which only the first unfinished one hears. */
export class Pipeline implements pg.Submittable {
  /** The result of each statement. Rejects with the first error. */
  readonly results: Promise<pg.QueryResult[]>
  /** How many statements have succeeded. */
  completed = 0
  /** As of a query: where traces find its text, and hear of its end. */
  readonly text: string
  callback: (error: unknown, results?: pg.QueryResult[]) => void
  readonly #queries: Handlers[]
  readonly #found: pg.QueryResult[] = []

  /** @param text what a trace shows of it. */
  constructor(statements: readonly Statement[], text: string) {
    this.text = text
    const { promise, resolve, reject } = Promise.withResolvers<pg.QueryResult[]>()
    this.results = promise
    this.callback = (error, results = []) => (error ? reject(error) : resolve(results))
    this.#queries = statements.map((statement) => {
      const config = typeof statement === 'string' ? { text: statement } : statement
      const query = new pg.Query({ ...config, queryMode: 'extended' } as pg.QueryConfig)
      return Object.assign(query as unknown as Handlers, {
        callback: (error: Error | null, result: pg.QueryResult) =>
          error ? this.handleError(error) : void this.#found.push(result),
      })
    })
  }

  submit(connection: pg.Connection): void {
    // Each query would end with a Sync of its own.
    const withoutSync = Object.create(connection, { sync: { value: () => {} } })
    connection.stream.cork()
    try {
      for (const query of this.#queries) query.submit(withoutSync)
      ;(connection as unknown as { sync(): void }).sync()
    } finally {
      connection.stream.uncork()
    }
  }

  get #current(): Handlers | undefined {
    return this.#queries[this.completed]
  }

  handleRowDescription(message: unknown): void {
    this.#current?.handleRowDescription(message)
  }

  handleDataRow(message: unknown): void {
    this.#current?.handleDataRow(message)
  }

  handleCommandComplete(message: unknown, connection: pg.Connection): void {
    this.#current?.handleCommandComplete(message, connection)
    this.completed++
  }

  handleEmptyQuery(): void {
    this.completed++
  }

  /** Node-postgres forgets the query after an error, and waits for the end of the round trip itself. */
  handleError(error: Error): void {
    this.#end(error)
  }

  handleReadyForQuery(connection: pg.Connection): void {
    for (const query of this.#queries) query.handleReadyForQuery(connection)
    const complete = this.completed === this.#queries.length
    this.#end(complete ? null : new Error('the server did not answer every statement'))
  }

  #end(error: Error | null): void {
    const { callback } = this
    this.callback = () => {}
    callback(error, this.#found)
  }
}
