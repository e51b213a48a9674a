/** The version in `package.json`, found from the sources and from the build. */
import { readFileSync } from 'node:fs'

const packageJson: { version: string } = JSON.parse(
  readFileSync(new URL('../package.json', import.meta.url), 'utf8'),
)

export const { version } = packageJson
