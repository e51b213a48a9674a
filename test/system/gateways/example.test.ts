/** A test whose application cannot listen fails at once and names it, instead of hanging. */
import { createServer } from 'node:net'
import { freePort, listen } from '../../support/ports.ts'
import { GATEWAYS, gatewayTest, startExample } from './example.ts'

for (const name of GATEWAYS)
  gatewayTest(name, `behind ${name}, an application whose port is taken is reported`, async (t) => {
    const other = createServer()
    const application = await listen(other, await freePort())
    t.teardown(() => other.close())
    const ports = { service: 1, application, gateway: await freePort() }
    await t.rejects(startExample(t, name, ports), /address already in use/i)
  })
