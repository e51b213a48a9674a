import { fileURLToPath } from 'node:url'

// The benchmark's own modules, and dependencies by links, lie outside of this folder.
export default { turbopack: { root: fileURLToPath(new URL('../..', import.meta.url)) } }
