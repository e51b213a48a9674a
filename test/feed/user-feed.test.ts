/** Subscriptions of open pages: one that starts or ends does not disturb the others. */
import t from 'tap'
import { createUserFeed, type UserEvent } from '../../src/feed/user-feed.ts'
import type { Page, RevocationEvent } from '../../src/feed/window.ts'

/** A feed whose answers the test gives. */
function feedByHand() {
  const asked: { cursor: string; signal: AbortSignal; answer: PromiseWithResolvers<Page> }[] = []
  return {
    asked,
    headCursor: async () => 'begin',
    pagesAfter: (): readonly Page[] => [],
    next(cursor: string, signal: AbortSignal) {
      const answer = Promise.withResolvers<Page>()
      asked.push({ cursor, signal, answer })
      return answer.promise
    },
  }
}

function page(userId: string) {
  const events: (UserEvent | 'end')[] = []
  return {
    events,
    userId,
    sessionId: 'of this page',
    notify: (what: UserEvent) => void events.push(what),
    end: () => void events.push('end'),
  }
}

const ended = (userId: string): RevocationEvent => ({
  type: 'session.revoked',
  sessionId: 'of another device',
  userId,
  operationId: null,
  kind: null,
  scope: null,
  revokedAt: '2026-01-01T00:00:00.000Z',
})
const turn = () => new Promise((done) => setImmediate(done))

t.test(
  'when the last page leaves, the follower stops; the next page gets one from its own cursor',
  async (t) => {
    const feed = feedByHand()
    const users = createUserFeed(feed)
    users.subscribe('a', page('ada'))()
    t.ok(feed.asked[0]?.signal.aborted)
    users.subscribe('b', page('ada'))
    t.same(
      feed.asked.map(({ cursor }) => cursor),
      ['a', 'b'],
    )
  },
)

t.test('a page that lists its sessions is notified about these alone', async (t) => {
  const feed = feedByHand()
  const users = createUserFeed(feed)
  const [listed, unlisted, unknown] = [page('ada'), page('ada'), page('ada')]
  users.subscribe('a', { ...listed, shows: new Set(['of another device']) })
  users.subscribe('a', { ...unlisted, shows: new Set(['of this page']) })
  users.subscribe('a', unknown)
  feed.asked[0]?.answer.resolve({ events: [ended('ada')], cursor: 'b' })
  await turn()
  t.same([listed.events, unlisted.events, unknown.events], [['changed'], [], ['changed']])
})

for (const [how, answer] of [
  ['fails', (late: PromiseWithResolvers<Page>) => late.reject(new Error('the feed is closed'))],
  [
    'comes late',
    (late: PromiseWithResolvers<Page>) => late.resolve({ events: [ended('ada')], cursor: 'late' }),
  ],
] as const) {
  t.test(`a read that ${how} for pages that have left does not affect later pages`, async (t) => {
    const feed = feedByHand()
    const users = createUserFeed(feed)
    users.subscribe('a', page('ada'))()
    const [first, second] = [page('ada'), page('ada')]
    users.subscribe('b', first)
    const [left, followed] = feed.asked
    if (!left || !followed) throw new Error('no follower')
    answer(left.answer)
    await turn()
    users.subscribe('c', second)
    t.equal(feed.asked.length, 2, 'one follower for both')
    followed.answer.resolve({ events: [ended('ada')], cursor: 'd' })
    await turn()
    t.same([first.events, second.events], [['changed'], ['changed']], 'once each')
  })
}

t.test('a failed feed ends every subscription; new ones get a new follower', async (t) => {
  const feed = feedByHand()
  const users = createUserFeed(feed)
  const [ada, grace] = [page('ada'), page('grace')]
  users.subscribe('a', ada)
  users.subscribe('a', grace)
  feed.asked[0]?.answer.reject(new Error('the feed is closed'))
  await turn()
  t.same([ada.events, grace.events], [['end'], ['end']])
  users.subscribe('b', page('ada'))
  t.equal(feed.asked.length, 2)
})
