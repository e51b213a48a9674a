/** The version of this package, as its `package.json` says; from the sources and from what is built of them. */
import { readFileSync } from 'node:fs'

const packageJson: { version: string } = JSON.parse(
  readFileSync(new URL('../package.json', import.meta.url), 'utf8'),
)

export const { version } = packageJson
