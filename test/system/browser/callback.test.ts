/** After a sign-out the browser follows callbackUrl to the application and its redirects, with and without JavaScript. */
import { createServer, type RequestListener, type Server } from 'node:http'
import t from 'tap'
import { browserTest } from '../../support/browser.ts'
import { listen } from '../../support/ports.ts'
import { startService } from '../../support/service.ts'
import { read } from './gallery.ts'

/** Starts a server on a port of its own until the file ends. */
async function site(host: string, answer: RequestListener): Promise<string> {
  const server: Server = createServer(answer)
  const port = await listen(server)
  t.teardown(() => server.closeAllConnections())
  t.teardown(() => void server.close())
  return `http://${host}:${port}`
}

const page =
  (text: string): RequestListener =>
  (_request, response) =>
    response
      .setHeader('content-type', 'text/html')
      .end(`<!doctype html><title>${text}</title><h1>${text}</h1>`)

// Three sites, of which the service knows only the application.
const provider = await site('localhost', page('Identity provider'))
const broker = await site('localhost', (_request, response) =>
  response.writeHead(302, { location: `${provider}/sign-in?state='%22&x=1` }).end(),
)
const application = await site('127.0.0.1', (request, response) => {
  if (request.url?.startsWith('/bye')) page('Application')(request, response)
  else response.writeHead(302, { location: broker }).end()
})
const service = await startService({ env: { ALLOWED_REDIRECTS: application } })

for (const javaScriptEnabled of [true, false]) {
  const how = javaScriptEnabled ? 'with JavaScript' : 'without JavaScript'

  for (const scope of ['local', 'global'] as const)
    browserTest(
      `after a ${scope} logout the user follows the application's redirects, ${how}`,
      async (t, open) => {
        const { token } = await service.signIn(await service.addUser())
        const context = await open(service, { token, javaScriptEnabled })
        const tab = await context.newPage()
        await tab.goto(
          `/logout?scope=${scope}&callbackUrl=${encodeURIComponent(`${application}/?a='b"&c=d;e`)}`,
        )
        await tab.getByRole('button', { name: 'Sign out' }).click()
        await tab.waitForURL(`${provider}/**`)
        t.equal(await tab.title(), 'Identity provider')
        t.equal(await service.check(token), 401)
        t.strictSame(
          (await context.cookies()).filter(({ name }) => name === service.cookieName),
          [],
        )
        await tab.goBack()
        await tab.waitForURL('/signed-out')
        t.match(await read(tab), 'You are signed out', 'the back button does not redirect once more')
      },
    )

  browserTest(
    `a user who signs the other devices out reads which, and then goes on signed in, ${how}`,
    async (t, open) => {
      const id = await service.addUser()
      const { token } = await service.signIn(id)
      const { token: phone } = await service.signIn(id, 'AdasPhone/1.0')
      const tab = await (await open(service, { token, javaScriptEnabled })).newPage()
      await tab.goto(`/logout?scope=others&callbackUrl=${encodeURIComponent(`${application}/bye`)}`)
      await tab.getByRole('button', { name: 'Sign out' }).click()
      t.match(await read(tab), /Your other devices are signed out AdasPhone · 203\.0\.113\.7 Continue/)
      await tab.getByRole('link', { name: 'Continue' }).click()
      await tab.waitForURL(`${application}/bye`)
      t.strictSame(await Promise.all([token, phone].map(service.check)), [200, 401])
    },
  )

  browserTest(`a sign-out does not redirect to an address that is not allowed, ${how}`, async (t, open) => {
    const { token } = await service.signIn(await service.addUser())
    const tab = await (await open(service, { token, javaScriptEnabled })).newPage()
    await tab.goto(`/logout?callbackUrl=${encodeURIComponent(`${provider}/phishing`)}`)
    await tab.getByRole('button', { name: 'Sign out' }).click()
    await tab.waitForURL('/signed-out')
    t.match(await read(tab), 'You are signed out')
  })
}

browserTest('the other tabs show the sign-out, wherever it redirects', async (t, open) => {
  const { token } = await service.signIn(await service.addUser())
  const context = await open(service, { token })
  // Like a proxy that breaks the stream: only the tab that signs out can notify the others.
  await context.route('**/api/session/events*', (route) => route.abort())
  const other = await context.newPage()
  await other.goto('/')
  const tab = await context.newPage()
  await tab.goto(`/logout?callbackUrl=${encodeURIComponent(`${application}/bye`)}`)
  await tab.getByRole('button', { name: 'Sign out' }).click()
  await tab.waitForURL(`${application}/bye`)
  await other.waitForURL('/signed-out?followed')
  t.match(await read(other), 'You were signed out in this browser.')
})
