/** The adapter on one client of node-postgres. */
import { useDriver } from './application.ts'

useDriver('one client of node-postgres')
await import('./adapter-suite.ts')
