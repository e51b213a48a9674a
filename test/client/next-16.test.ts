/** The Next.js example on Next 16. */
import { testNext } from './next-suite.ts'

await testNext(16)
