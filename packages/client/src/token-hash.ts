/** base64url(SHA-256(token)), as the service names a session to those that hold leases. Synchronous where the platform has a way. */
import { builtIn } from './built-ins.ts'

export type HashToken = (token: string) => string | Promise<string>

export function tokenHash(): HashToken {
  const hash = builtIn('node:crypto')?.hash
  return hash ? (token) => hash('sha256', token, 'base64url') : webHash
}

/** On the web platform. */
export async function webHash(token: string): Promise<string> {
  const digest = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(token))
  return btoa(String.fromCharCode(...new Uint8Array(digest)))
    .replaceAll('+', '-')
    .replaceAll('/', '_')
    .replaceAll('=', '')
}
