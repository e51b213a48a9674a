/** The commands in the READMEs of the examples print what the READMEs say. Only the ports are changed. */
import t from 'tap'
import { seedDemo } from '../../../demo/users.ts'
import { freePort } from '../../support/ports.ts'
import { runProgram } from '../../support/run-program.ts'
import { startService } from '../../support/service.ts'
import { GATEWAYS, gatewayTest, shellBlocks, startExample, withPorts } from './example.ts'

const [, , shown = ''] = await shellBlocks('nginx')

for (const name of GATEWAYS) {
  gatewayTest(name, `the README of ${name} shows the output that a reader gets`, async (t) => {
    const service = await startService({ demo: true })
    await service.database.run(seedDemo)
    const ports = {
      service: service.config.port,
      application: await freePort(),
      gateway: await freePort(),
    }
    await startExample(t, name, ports)

    const { stdout } = await runProgram('bash', ['-euc', withPorts(shown, ports)])

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

t.test('the READMEs of all examples show the same commands', async (t) => {
  for (const name of [...GATEWAYS, 'traefik', 'envoy']) t.equal((await shellBlocks(name))[2], shown, name)
})
