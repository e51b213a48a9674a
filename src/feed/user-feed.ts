/**
 * The feed, told apart by user: whoever shows a user's sessions learns that one of them is over. One follower of the
 * feed for all, however many follow here. Nothing is missed between the look at the database that lets somebody in and
 * their first message; when the feed breaks off, all of them are ended, and come again.
 */
import { runDetached } from '../lib/run-detached.ts'
import type { Feed } from './feed.ts'
import type { FeedEvent } from './window.ts'

/** For one user; when there are more, the one that has been there longest goes. */
const MAX_OF_USER = 20

/** `ended`: the session that follows. `changed`: another one of the same user. */
export type UserEvent = 'ended' | 'changed'

export interface UserFollower {
  userId: string
  sessionId: string
  tell(what: UserEvent): void
  /** There will be no more. */
  end(): void
}

export type UserFeed = ReturnType<typeof createUserFeed>

export function createUserFeed(feed: Pick<Feed, 'here' | 'recent' | 'next'>) {
  const followers = new Map<string, Set<UserFollower>>()
  /** Ends the one who follows for all; there is one while anybody follows here. */
  let following: AbortController | undefined

  /** Tells each follower once, whatever happened to the user's sessions. */
  function tell(events: readonly FeedEvent[], whom: (userId: string) => Iterable<UserFollower>): void {
    const news = new Map<UserFollower, UserEvent>()
    for (const { type, userId, sessionId } of events) {
      if (type !== 'session.revoked') continue
      for (const follower of whom(userId)) {
        if (follower.sessionId === sessionId) news.set(follower, 'ended')
        else if (!news.has(follower)) news.set(follower, 'changed')
      }
    }
    for (const [follower, what] of news) follower.tell(what)
  }

  async function follow(from: string): Promise<void> {
    following = new AbortController()
    const { signal } = following
    try {
      for (let at = from; ; ) {
        const { events, cursor } = await feed.next(at, signal)
        if (signal.aborted) return
        at = cursor
        tell(events, (userId) => followers.get(userId) ?? [])
      }
    } catch {
      // Nobody is left of those it followed for; whoever came since has a follower of their own.
      if (signal.aborted) return
      // Who could not be told must not believe that nothing happened.
      following = undefined
      for (const follower of [...followers.values()].flatMap((some) => [...some])) follower.end()
    }
  }

  function leave(follower: UserFollower): void {
    const some = followers.get(follower.userId)
    if (!some?.delete(follower) || some.size > 0) return
    followers.delete(follower.userId)
    if (followers.size > 0) return
    following?.abort()
    following = undefined
  }

  return {
    /** Where the feed is. Look at the session after this, then `join`. @throws Problem `unavailable`. */
    here: () => feed.here(),

    /** Follows from `from` on. @returns how to leave. */
    join(from: string, follower: UserFollower): () => void {
      const missed = feed.recent(from)
      if (!missed) {
        follower.end()
        return () => {}
      }
      const some = followers.get(follower.userId) ?? new Set()
      followers.set(follower.userId, some.add(follower))
      if (some.size > MAX_OF_USER) [...some][0]?.end()
      if (!following) void runDetached(() => follow(from))
      const events = missed.flatMap((page) => page.events)
      tell(events, (userId) => (userId === follower.userId ? [follower] : []))
      return () => leave(follower)
    },
  }
}
