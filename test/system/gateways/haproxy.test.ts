/** HAProxy, configured as in `examples/gateways/haproxy`, keeps the contract of every gateway. */
import { holdsContract } from './contract.ts'

holdsContract('haproxy')
