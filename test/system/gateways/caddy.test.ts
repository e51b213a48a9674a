/** Caddy, configured as in `examples/gateways/caddy`, keeps the contract of every gateway. */
import { holdsContract } from './contract.ts'

holdsContract('caddy')
