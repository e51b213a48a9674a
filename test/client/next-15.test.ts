/** The Next.js example on Next 15. */
import { testNext } from './next-suite.ts'

await testNext(15)
