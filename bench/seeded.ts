/**
 * The contents of the seeded databases, known without a query: session `n` has the token `tokenOf(n)` and
 * belongs to user `userOf(n)`. The SQL twins are next to the functions.
 */
import { createHash, createHmac } from 'node:crypto'

export const DAY_MS = 86_400_000
/** Signs the cookies of the peers that sign theirs. */
export const SECRET = 'the benchmark has no secrets, but some peers want 32 characters'
export const SESSIONS_PER_USER = 10

/** base64url of 256 bits, as real tokens are. */
export function tokenOf(n: number | string): string {
  return createHash('sha256').update(`token ${n}`).digest('base64url')
}

export const userNumberOf = (n: number) => Math.ceil(n / SESSIONS_PER_USER)

/** A UUID, as Auth.js gives to users. */
export function userIdOf(n: number): string {
  const hex = createHash('md5')
    .update(`user ${userNumberOf(n)}`)
    .digest('hex')
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-')
}

/** The twins in SQL; `n` is the number of a session, `k` that of a user. */
export const inSql = {
  token: (n: string) => base64url(`sha256(convert_to('token ' || ${n}, 'UTF8'))`),
  hashedToken: (n: string) => base64url(`sha256(convert_to(${inSql.token(n)}, 'UTF8'))`),
  userId: (k: string) => `md5('user ' || ${k})::uuid::text`,
  userIdOfSession: (n: string) => inSql.userId(`((${n} + ${SESSIONS_PER_USER - 1}) / ${SESSIONS_PER_USER})`),
}

function base64url(bytes: string): string {
  return `rtrim(translate(encode(${bytes}, 'base64'), '+/', '-_'), '=')`
}

/** The numbers of up to `wanted` of `count` sessions, spread evenly over all of them. */
export function spread(count: number, wanted: number): number[] {
  const taken = Math.min(count, wanted)
  return Array.from({ length: taken }, (_, i) => Math.floor((i * count) / taken) + 1)
}

/** HMAC-SHA256 as base64, with which express-session and Better Auth sign cookies. */
export const signature = (text: string) => createHmac('sha256', SECRET).update(text).digest('base64')
