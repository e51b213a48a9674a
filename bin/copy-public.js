// Last step of `npm run build:service`: copies the stylesheet, script and icon of the pages, which are not compiled.
import { cpSync } from 'node:fs'

cpSync(new URL('../src/ui/public', import.meta.url), new URL('../dist/ui/public', import.meta.url), {
  recursive: true,
})
