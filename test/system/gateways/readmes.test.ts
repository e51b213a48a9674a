/** The READMEs of the examples show what happens: their commands are run as they stand, but for the ports. */
import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import t from 'tap'
import { seedDemo } from '../../../demo/users.ts'
import { freePort } from '../../support/ports.ts'
import { startService } from '../../support/service.ts'
import { within } from '../../support/within.ts'
import { GATEWAYS, gatewayTest, shellBlocks, startExample, withPorts } from './example.ts'

const run = promisify(execFile)
const [, , shown = ''] = await shellBlocks('nginx')

for (const name of GATEWAYS) {
  gatewayTest(name, `what the README of ${name} shows is what a reader sees`, async (t) => {
    const service = await startService({ demo: true })
    await service.database.run(seedDemo)
    const ports = {
      service: service.config.port,
      application: await freePort(),
      gateway: await freePort(),
    }
    await startExample(t, name, ports)

    const { stdout } = await within('end of the commands', run('bash', ['-euc', withPorts(shown, ports)]))

    const statuses = [...stdout.matchAll(/HTTP\/1\.1 (\d+)/g)].map(([, status]) => status)
    const promised = [...shown.matchAll(/# (\d{3})/g)].map(([, status]) => status)
    t.same(statuses, promised)
    t.same(
      [...stdout.matchAll(/^x-user-id: (.*?)\r?$/gim)].map(([, id]) => id),
      ['demo-ada', 'demo-ada'],
    )
    t.notMatch(stdout, 'root')
  })
}

t.test('every example shows the same', async (t) => {
  for (const name of [...GATEWAYS, 'traefik', 'envoy']) t.equal((await shellBlocks(name))[2], shown, name)
})
