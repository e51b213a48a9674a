/**
 * The text of a notification, a notice: all that was revoked since the oldest snapshot that an instance has applied. An instance that
 * evicts it needs no read, and acknowledges the digest of the text. In PostgreSQL every role that may connect can notify on any
 * channel: a notice proves nothing, and its digest proves that exactly this was evicted.
 */
import { createHash } from 'node:crypto'

/** The channel of notices. */
export const REVOKED = 'global_logout_revoked'

/** With more changes than this the whole cache is evicted: no statement grows with the size of a logout. */
export const MAX_CHANGES = 10_000

export interface Notice {
  /** As `Changes` has it. */
  policy: string
  /** The hashed tokens to evict. */
  tokens: string[]
}

/** @returns null for what is no notice: it says only that something may have been revoked. */
export function parseNotice(text: string): Notice | null {
  const [nonce, policy, ...tokens] = text.split(' ')
  return nonce && policy ? { policy, tokens } : null
}

/** 128 bits, as PostgreSQL reads a uuid. */
export const digestOf = (text: string): string => createHash('sha256').update(text).digest('hex').slice(0, 32)
