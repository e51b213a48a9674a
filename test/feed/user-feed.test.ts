/** Pages of one process that follow their users: whoever leaves and whoever comes disturb nobody else. */
import t from 'tap'
import { createUserFeed, type UserEvent } from '../../src/feed/user-feed.ts'
import type { Page, RevocationEvent } from '../../src/feed/window.ts'

/** A feed whose answers are given by hand. */
function feedByHand() {
  const asked: { cursor: string; signal: AbortSignal; answer: PromiseWithResolvers<Page> }[] = []
  return {
    asked,
    here: async () => 'begin',
    recent: (): readonly Page[] => [],
    next(cursor: string, signal: AbortSignal) {
      const answer = Promise.withResolvers<Page>()
      asked.push({ cursor, signal, answer })
      return answer.promise
    },
  }
}

function page(userId: string) {
  const told: (UserEvent | 'end')[] = []
  return {
    told,
    userId,
    sessionId: 'of this page',
    tell: (what: UserEvent) => void told.push(what),
    end: () => void told.push('end'),
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
  'when the last page leaves, nobody follows; the next one is followed for from where it came',
  async (t) => {
    const feed = feedByHand()
    const users = createUserFeed(feed)
    users.join('a', page('ada'))()
    t.ok(feed.asked[0]?.signal.aborted)
    users.join('b', page('ada'))
    t.same(
      feed.asked.map(({ cursor }) => cursor),
      ['a', 'b'],
    )
  },
)

for (const [how, answer] of [
  ['breaks off', (late: PromiseWithResolvers<Page>) => late.reject(new Error('the feed is closed'))],
  [
    'comes late',
    (late: PromiseWithResolvers<Page>) => late.resolve({ events: [ended('ada')], cursor: 'late' }),
  ],
] as const) {
  t.test(`what ${how} for pages that have left is nothing to those that came since`, async (t) => {
    const feed = feedByHand()
    const users = createUserFeed(feed)
    users.join('a', page('ada'))()
    const [first, second] = [page('ada'), page('ada')]
    users.join('b', first)
    const [left, followed] = feed.asked
    if (!left || !followed) throw new Error('nobody follows')
    answer(left.answer)
    await turn()
    users.join('c', second)
    t.equal(feed.asked.length, 2, 'one follows for both')
    followed.answer.resolve({ events: [ended('ada')], cursor: 'd' })
    await turn()
    t.same([first.told, second.told], [['changed'], ['changed']], 'once each')
  })
}

t.test('a feed that breaks off ends every page, and those that come again are followed for', async (t) => {
  const feed = feedByHand()
  const users = createUserFeed(feed)
  const [ada, grace] = [page('ada'), page('grace')]
  users.join('a', ada)
  users.join('a', grace)
  feed.asked[0]?.answer.reject(new Error('the feed is closed'))
  await turn()
  t.same([ada.told, grace.told], [['end'], ['end']])
  users.join('b', page('ada'))
  t.equal(feed.asked.length, 2)
})
