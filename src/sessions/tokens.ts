/**
 * The raw session token lives in the client's cookie and in this file's arguments, nowhere else.
 * What reaches the database is `hashToken(token)`: a leaked table opens no session.
 */
import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto'
import { hashToken } from '../database/token-hash.ts'

const TOKEN_BYTES = 32
/** Longest token accepted from a client, in characters. Anything longer cannot be one of ours or of Auth.js. */
export const MAX_TOKEN_LENGTH = 512

/** A new session token: 256 random bits as base64url, 43 characters (OWASP ASVS 5.0, 7.2.3 and 11.5.1). */
export function generateSessionToken(): string {
  return randomBytes(TOKEN_BYTES).toString('base64url')
}

/**
 * Names an operation, and proves that the bearer of a token asked for it: an HMAC under the hash that the database holds of
 * the token. It outlives the token, and opens nothing but the page that tells the outcome.
 */
export function receiptOf(operationId: string, token: string): string {
  return `${operationId}.${proofOf(operationId, hashToken(token))}`
}

/** The operation that a receipt names, still to be proven; null for anything else. */
export function operationOf(receipt: string): string | null {
  return /^([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})\.[\w-]{43}$/.exec(receipt)?.[1] ?? null
}

/** Whether the bearer of the token with this hash got the receipt. */
export function proves(receipt: string, operationId: string, tokenHash: string): boolean {
  const expected = Buffer.from(`${operationId}.${proofOf(operationId, tokenHash)}`)
  const given = Buffer.from(receipt)
  return given.length === expected.length && timingSafeEqual(given, expected)
}

function proofOf(operationId: string, tokenHash: string): string {
  return createHmac('sha256', tokenHash).update(`asked for ${operationId}`).digest('base64url')
}
