/** What the functions of `migrations/0003_applications.sql` answer. */
import type { Identity } from '@global-logout/client'

export interface SessionRow {
  user_id: string
  session_id: string
  created_at: string
  ends_at: string
}

export interface Made {
  /** Null where a session was not taken over: then `outcome` is why. */
  session_id: string | null
  expires_at: string
  outcome?: string
}

export interface SignedOut {
  ended: boolean
  operation_id: string | null
  revoked_count: number
  revoked: {
    id: string
    createdAt: string
    lastSeenAt: string
    userAgent: string | null
    ipAddress: string | null
    deviceName: string | null
  }[]
}

export function identityOf({ user_id, session_id, created_at, ends_at }: SessionRow): Identity {
  const createdAt = new Date(created_at)
  return {
    userId: user_id,
    sessionId: session_id,
    createdAt,
    expiresAt: new Date(ends_at),
    authTime: createdAt,
  }
}

export function endedOf({ createdAt, lastSeenAt, deviceName, ...rest }: SignedOut['revoked'][number]) {
  return { ...rest, name: deviceName, createdAt: new Date(createdAt), lastSeenAt: new Date(lastSeenAt) }
}
