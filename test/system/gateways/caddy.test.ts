/** Caddy, configured as in `examples/gateways/caddy`, keeps the contract of every gateway. */
import { testContract } from './contract.ts'

testContract('caddy')
