/** An application that cannot listen fails its test at once, and is named: waiting for it would hang. */
import { once } from 'node:events'
import { createServer } from 'node:net'
import { freePort } from '../support/ports.ts'
import { GATEWAYS, gatewayTest, startExample } from './example.ts'

for (const name of GATEWAYS)
  gatewayTest(name, `behind ${name}, an application whose port is taken is reported`, async (t) => {
    const other = createServer().listen(await freePort(), '127.0.0.1')
    await once(other, 'listening')
    t.teardown(() => other.close())
    const { port: application } = other.address() as { port: number }
    const ports = { service: 1, application, gateway: await freePort() }
    await t.rejects(startExample(t, name, ports), /address already in use/i)
  })
