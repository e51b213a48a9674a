// The last step of `npm run build`: the stylesheet, script and icon of the pages are not compiled, only copied.
import { cpSync } from 'node:fs'

cpSync(new URL('../src/ui/public', import.meta.url), new URL('../dist/ui/public', import.meta.url), {
  recursive: true,
})
