/** Whose address is recorded, and what a gateway in front changes about that. */
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

t.test(
  'a client cannot choose its address: X-Forwarded-For is believed from trusted proxies only',
  async (t) => {
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
      'the last one that a trusted proxy saw',
    )
    t.equal(await addressOf(behind, '::ffff:198.51.100.9'), '198.51.100.9')
    t.equal(await addressOf(behind, 'nonsense<script>'), null, 'what is no address is not recorded')
  },
)

t.test('no form leads to another site, not even to where a logout may lead', async (t) => {
  const service = await startService({
    env: { ALLOWED_REDIRECTS: 'https://app.example.com, https://www.example.org' },
  })
  const policy = (await service.http('/signed-out')).headers.get('content-security-policy')
  t.match(policy, /form-action 'self';/)
})
