/** The hash that the database stores instead of a token or key, so that a leaked table opens no session. */
import { hash } from 'node:crypto'

/**
 * base64url(SHA-256(token)).
 * A fast hash is enough, because 256 random bits cannot be guessed (OWASP Session Management Cheat Sheet).
 */
export function hashToken(token: string): string {
  return hash('sha256', token, 'base64url')
}
