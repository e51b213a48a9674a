/**
 * What every gateway must answer with the configuration of its example. `docs/gateways.md` lists these names, and
 * `test/docs/gateways.test.ts` compares both.
 */
import { type GatewayName, gatewayTest } from './example.ts'
import { identity } from './identity.ts'
import { outage } from './outage.ts'
import { passing } from './passing.ts'
import { preflights } from './preflights.ts'
import { refused } from './refused.ts'
import { type Contract, startRig } from './rig.ts'
import { tunnels } from './tunnels.ts'

export const contract: Contract = {
  ...identity,
  ...passing,
  ...tunnels,
  ...preflights,
  ...refused,
  ...outage,
}

/** Tests the contract with one gateway. */
export function testContract(name: GatewayName): void {
  gatewayTest(name, `${name} keeps the contract`, async (t) => {
    const rig = await startRig(t, name)
    for (const [sentence, check] of Object.entries(contract)) await t.test(sentence, (t) => check(t, rig))
  })
}
