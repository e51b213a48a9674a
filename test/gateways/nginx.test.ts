/** nginx, configured as in `examples/gateways/nginx`, keeps the contract of every gateway. */
import { holdsContract } from './contract.ts'

holdsContract('nginx')
