/** The adapter on postgres-js. */
import { useDriver } from './application.ts'

useDriver('postgres-js')
await import('./adapter-suite.ts')
