/** HAProxy, configured as in `examples/gateways/haproxy`, keeps the contract of every gateway. */
import { testContract } from './contract.ts'

testContract('haproxy')
