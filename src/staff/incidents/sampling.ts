/**
 * Estimates how many sessions match a selection, and of how many users, from random blocks of their table. It reads until a deadline,
 * so that it takes as long on a cold disk, and is less precise there. Each block counts, empty or not, and none is read twice.
 */
import { type SQL, sql } from 'drizzle-orm'
import type { Executor } from '../../database/database.ts'
import { fetchRows } from '../../database/rows.ts'
import { session } from '../../sessions/schema.ts'

/** Blocks that are read by one statement. */
const STEP = 1_024
/** Blocks that are read in any case, for at most so many milliseconds: of fewer, nothing could be said. */
const LEAST = 256
const LEAST_MS = 30_000
/** Standard error, as a fraction, at which an estimate is good enough. */
const PRECISE = 0.005
/** Sessions whose users' other sessions are counted, for the number of users. */
const ASKED = 400
/** Of these, so many of one user at most. */
const MOST_OF_USER = 1_000
const NEWEST = 10

interface Found {
  blocks: number
  sessions: number
  /** The sum of squares of the matching sessions of each block. */
  squares: number
  /** Users of some of the sessions, taken at random. */
  users: string[]
  /** The newest of the sessions. `at` is in seconds since 1970. */
  newest: { id: string; at: number }[]
}

export interface Estimate {
  /** Rounded to digits that the sample supports: one, two with a standard error of 5 % at most, three with 0.5 %. */
  sessions: number
  users: number
  /** Ids of the newest of the sessions that were seen, at most ten. */
  newest: string[]
}

/** @param blocks of the table of sessions. @param matches the condition on a session. */
export function createSample(tx: Executor, blocks: number, matches: SQL) {
  const taken = new Set<number>()
  const seen: Found = { blocks: 0, sessions: 0, squares: 0, users: [], newest: [] }

  const perBlock = () => (seen.blocks > 0 ? seen.sessions / seen.blocks : 0)

  /** The standard error of the estimate, as a fraction of it. */
  function error(): number {
    const { blocks: n, squares } = seen
    const mean = perBlock()
    if (mean === 0 || n < 2) return Number.POSITIVE_INFINITY
    return Math.sqrt((Math.max(0, squares / n - mean ** 2) / n) * (1 - n / blocks)) / mean
  }

  /** Random blocks that were not read, until there are so many altogether. */
  function pick(wanted: number): number[] {
    const picked: number[] = []
    while (taken.size < wanted) {
      const block = Math.floor(Math.random() * blocks)
      if (taken.has(block)) continue
      taken.add(block)
      picked.push(block)
    }
    return picked
  }

  async function read(numbers: number[], ms: number): Promise<void> {
    const { blocks: read, ...found } = await readBlocks(tx, matches, numbers, ms)
    seen.blocks += read
    seen.sessions += found.sessions
    seen.squares += found.squares
    seen.users.push(...found.users)
    seen.newest = [...seen.newest, ...found.newest].sort((a, b) => b.at - a.at).slice(0, NEWEST)
  }

  return {
    /** Reads more blocks, until there are `wanted`, the estimate is precise, or `ms` milliseconds are over. */
    async read(wanted: number, ms: number): Promise<void> {
      const deadline = performance.now() + ms
      const most = Math.min(wanted, blocks)
      if (taken.size < LEAST) await read(pick(Math.min(most, LEAST)), LEAST_MS)
      while (error() > PRECISE && taken.size < most) {
        const left = deadline - performance.now()
        if (left <= 0) return
        await read(pick(Math.min(most, taken.size + STEP)), left)
      }
    },
    /** The blocks that were read. */
    get blocks(): number {
      return seen.blocks
    },
    /** The sessions that match, not rounded. */
    get sessions(): number {
      return perBlock() * blocks
    },
    /** @param ms for the number of users. */
    async estimate(ms: number): Promise<Estimate> {
      const digits = error() <= PRECISE ? 3 : error() <= 10 * PRECISE ? 2 : 1
      const sessions = rounded(perBlock() * blocks, digits)
      const asked = shuffled(seen.users).slice(0, ASKED)
      const each = asked.length > 0 ? await usersPerSession(tx, matches, asked, ms) : 0
      const users = rounded(each * perBlock() * blocks, Math.min(2, digits))
      return {
        sessions,
        users: Math.min(sessions, Math.max(new Set(asked).size, users)),
        newest: seen.newest.map(({ id }) => id),
      }
    },
  }
}

/** Reads blocks in this order until the milliseconds are over: at least none, at most all. */
async function readBlocks(tx: Executor, matches: SQL, numbers: number[], ms: number): Promise<Found> {
  const [found] = await fetchRows<Found>(
    tx,
    sql`
    with sampled as materialized (
      select one.block, found.* from ${untilOver(sql`${sql.param(numbers)}::bigint[]`, ms)} one (block)
      left join lateral (
        select ${session.id} as id, ${session.userId} as user_id, ${session.createdAt} as created_at from ${session}
        where ctid >= pg_catalog.format('(%s,0)', one.block)::tid and ctid < pg_catalog.format('(%s,0)', one.block + 1)::tid and ${matches}
        offset 0
      ) found on true
    ), each_block as (
      select count(id) as hits from sampled group by block
    )
    select count(*)::int as blocks, coalesce(sum(hits), 0)::int as sessions, coalesce(sum(hits * hits), 0)::float8 as squares,
      (select coalesce(pg_catalog.array_agg(user_id), '{}') from (
        select user_id from sampled where id is not null order by pg_catalog.random() limit ${ASKED}) picked) as users,
      (select coalesce(pg_catalog.json_agg(newest), '[]') from (
        select id, extract(epoch from created_at)::float8 as at from sampled where id is not null order by created_at desc, id limit ${NEWEST}
      ) newest) as newest
    from each_block`,
  )
  if (!found) throw new Error('the sample returned no row')
  return found
}

/**
 * Of a session that matches, the mean of 1 ÷ (sessions of its user that match): so many users there are for each session.
 * @param users of sessions taken at random; one may be there twice
 */
async function usersPerSession(tx: Executor, matches: SQL, users: string[], ms: number): Promise<number> {
  const [found] = await fetchRows<{ mean: number }>(
    tx,
    sql`
    select coalesce(avg(1::float8 / greatest(sessions, 1)::float8), 1) as mean
    from ${untilOver(sql`${sql.param(users)}::text[]`, ms)} asked (user_id), lateral (
      select count(*) as sessions
      from (select from ${session} where ${session.userId} = asked.user_id and ${matches} limit ${MOST_OF_USER}) theirs
    ) counted`,
  )
  return found?.mean ?? 1
}

/** SQL for the elements of an array, one after the other until the milliseconds are over. */
const untilOver = (array: SQL, ms: number): SQL => sql`(
  select element from pg_catalog.unnest(${array}) as element
  where clock_timestamp() < statement_timestamp() + pg_catalog.make_interval(secs => ${ms / 1_000}::double precision) offset 0)`

const rounded = (estimate: number, digits: number): number => Math.round(Number(estimate.toPrecision(digits)))

function shuffled<T>(all: T[]): T[] {
  return all
    .map((one) => ({ one, at: Math.random() }))
    .sort((a, b) => a.at - b.at)
    .map(({ one }) => one)
}
