/**
 * Session tokens and receipts. Only the client keeps the raw token. The database stores `hashToken(token)`, so a leaked
 * table does not reveal a usable token.
 */
import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto'
import { hashToken } from '../database/token-hash.ts'

const TOKEN_BYTES = 32
/** Longest token accepted from a client, in characters. Neither this service nor Auth.js creates longer ones. */
export const MAX_TOKEN_LENGTH = 512

/** A new session token: 256 random bits as base64url, 43 characters (OWASP ASVS 5.0, 7.2.3 and 11.5.1). */
export function generateSessionToken(): string {
  return randomBytes(TOKEN_BYTES).toString('base64url')
}

/**
 * A receipt names an operation and proves that the bearer of the token requested it. It is an HMAC keyed with the stored
 * token hash. It stays valid after the token, and gives access to nothing but the page that shows the outcome.
 */
export function receiptOf(operationId: string, token: string): string {
  return `${operationId}.${proofOf(operationId, hashToken(token))}`
}

/** The operation id of a receipt, not yet verified; null for malformed text. */
export function operationOf(receipt: string): string | null {
  return /^([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})\.[\w-]{43}$/.exec(receipt)?.[1] ?? null
}

/** Whether the receipt was issued for this operation and this token hash. */
export function proves(receipt: string, operationId: string, tokenHash: string): boolean {
  const expected = Buffer.from(`${operationId}.${proofOf(operationId, tokenHash)}`)
  const given = Buffer.from(receipt)
  return given.length === expected.length && timingSafeEqual(given, expected)
}

function proofOf(operationId: string, tokenHash: string): string {
  return createHmac('sha256', tokenHash).update(`asked for ${operationId}`).digest('base64url')
}
