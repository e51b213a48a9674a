/** The example of Next.js on Next 15. */
import { testNext } from './next-suite.ts'

await testNext(15)
