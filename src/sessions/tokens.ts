/**
 * The raw session token lives in the client's cookie and in this file's arguments, nowhere else.
 * What reaches the database is `hashToken(token)`: a leaked table opens no session.
 */
import { hash, randomBytes } from 'node:crypto'

const TOKEN_BYTES = 32
/** Longest token accepted from a client, in characters. Anything longer cannot be one of ours or of Auth.js. */
export const MAX_TOKEN_LENGTH = 512

/** A new session token: 256 random bits as base64url, 43 characters (OWASP ASVS 5.0, 7.2.3 and 11.5.1). */
export function generateSessionToken(): string {
  return randomBytes(TOKEN_BYTES).toString('base64url')
}

/**
 * What the database stores in place of a token: base64url(SHA-256(token)).
 * A fast hash is right here: 256 random bits leave nothing to guess (OWASP Session Management Cheat Sheet).
 */
export function hashToken(token: string): string {
  return hash('sha256', token, 'base64url')
}
