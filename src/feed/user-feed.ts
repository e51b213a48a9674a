/**
 * The feed by user: notifies open pages when a session of their user ends. All subscribers share one follower of the feed. A
 * subscription starts from a cursor taken before the session was read, so no revocation is missed. When the feed fails, all
 * subscriptions end, and the pages reconnect.
 */
import { runDetached } from '../lib/run-detached.ts'
import type { Feed } from './feed.ts'
import type { FeedEvent } from './window.ts'

/** Most subscriptions of one user; one more ends the oldest. */
const MAX_OF_USER = 20

/** `ended`: the subscriber's own session has ended. `changed`: another session of the same user has. */
export type UserEvent = 'ended' | 'changed'

export interface UserFollower {
  userId: string
  sessionId: string
  /** The sessions on the page, if known. The end of another one changes nothing there. */
  shows?: ReadonlySet<string> | undefined
  notify(what: UserEvent): void
  /** Ends the subscription: no more events follow. */
  end(): void
}

export function createUserFeed(feed: Pick<Feed, 'headCursor' | 'pagesAfter' | 'next'>) {
  const followers = new Map<string, Set<UserFollower>>()
  /** Ends the shared follower; there is one while there are subscribers. */
  let following: AbortController | undefined

  /** Notifies each follower once, however many sessions of the user have ended. */
  function notify(
    events: readonly FeedEvent[],
    followersOf: (userId: string) => Iterable<UserFollower>,
  ): void {
    const notifications = new Map<UserFollower, UserEvent>()
    for (const { type, userId, sessionId } of events) {
      if (type !== 'session.revoked') continue
      for (const follower of followersOf(userId)) {
        if (follower.sessionId === sessionId) notifications.set(follower, 'ended')
        else if (!notifications.has(follower) && (follower.shows?.has(sessionId) ?? true))
          notifications.set(follower, 'changed')
      }
    }
    for (const [follower, what] of notifications) follower.notify(what)
  }

  async function follow(from: string): Promise<void> {
    following = new AbortController()
    const { signal } = following
    try {
      for (let at = from; ; ) {
        const { events, cursor } = await feed.next(at, signal)
        if (signal.aborted) return
        at = cursor
        notify(events, (userId) => followers.get(userId) ?? [])
      }
    } catch {
      // All its subscribers have left; later ones have a follower of their own.
      if (signal.aborted) return
      // A page that cannot be notified must not look up to date.
      following = undefined
      for (const follower of [...followers.values()].flatMap((some) => [...some])) follower.end()
    }
  }

  function unsubscribe(follower: UserFollower): void {
    const some = followers.get(follower.userId)
    if (!some?.delete(follower) || some.size > 0) return
    followers.delete(follower.userId)
    if (followers.size > 0) return
    following?.abort()
    following = undefined
  }

  return {
    /** The current cursor. Read the session after this, then `subscribe`. @throws Problem `unavailable`. */
    headCursor: () => feed.headCursor(),

    /** Subscribes from the cursor `from` on. @returns the function that unsubscribes. */
    subscribe(from: string, follower: UserFollower): () => void {
      const missed = feed.pagesAfter(from)
      if (!missed) {
        follower.end()
        return () => {}
      }
      const some = followers.get(follower.userId) ?? new Set()
      followers.set(follower.userId, some.add(follower))
      if (some.size > MAX_OF_USER) [...some][0]?.end()
      if (!following) void runDetached(() => follow(from))
      const events = missed.flatMap((page) => page.events)
      notify(events, (userId) => (userId === follower.userId ? [follower] : []))
      return () => unsubscribe(follower)
    },
  }
}
