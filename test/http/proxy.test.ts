/** The address that is recorded, with and without a gateway in front. */
import t from 'tap'
import { startService } from '../support/service.ts'

const body = () => new URLSearchParams({ email: 'ada@example.com' })

async function addressOf(service: Awaited<ReturnType<typeof startService>>, forwarded: string) {
  const headers = {
    'x-forwarded-for': forwarded,
    'x-forwarded-host': 'evil.example',
    'x-forwarded-proto': 'https',
  }
  const signedIn = await service.http('/login', { method: 'POST', body: body(), headers })
  const token = signedIn.headers.getSetCookie()[0]?.split(/[=;]/)[1] ?? ''
  const { sessions } = (await (await service.as(token, '/api/sessions')).json()) as {
    sessions: { ipAddress: string }[]
  }
  return sessions[0]?.ipAddress
}

t.test('a client cannot choose its address: X-Forwarded-For is used from trusted proxies only', async (t) => {
  const direct = await startService({ demo: true })
  await direct.addUser('demo-ada')
  t.equal(await addressOf(direct, '198.51.100.9'), '127.0.0.1')

  const behind = await startService({
    demo: true,
    database: direct.database,
    env: { TRUST_PROXY: '127.0.0.0/8, 10.0.0.0/8' },
  })
  t.equal(await addressOf(behind, '198.51.100.9'), '198.51.100.9')
  t.equal(
    await addressOf(behind, '203.0.113.1, 198.51.100.9, 10.1.2.3'),
    '198.51.100.9',
    'the last one that a trusted proxy added',
  )
  t.equal(await addressOf(behind, '::ffff:198.51.100.9'), '198.51.100.9')
  t.equal(await addressOf(behind, 'nonsense<script>'), null, 'an invalid address is not recorded')
})

t.test('a form never redirects to another site, even where a logout may', async (t) => {
  const service = await startService({
    env: { ALLOWED_REDIRECTS: 'https://app.example.com, https://www.example.org' },
  })
  const policy = (await service.http('/signed-out')).headers.get('content-security-policy')
  t.match(policy, /form-action 'self';/)
})
