/** The adapter on a pool of node-postgres. */
import { useDriver } from './application.ts'

useDriver('a pool of node-postgres')
await import('./adapter-suite.ts')
