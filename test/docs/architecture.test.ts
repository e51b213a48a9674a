/** ARCHITECTURE.md says what each module may import, and Biome enforces the same. */
import { readdir, readFile } from 'node:fs/promises'
import t from 'tap'

const root = new URL('../../', import.meta.url)
const architecture = await readFile(new URL('ARCHITECTURE.md', root), 'utf8')
const { overrides } = JSON.parse(await readFile(new URL('biome.imports.json', root), 'utf8')) as {
  overrides: {
    includes: [string]
    linter: { rules: { style: { noRestrictedImports: { options: { patterns: [{ message: string }] } } } } }
  }[]
}

/** The rows of the table: a module, and the text of what it may import. */
const rows = [...architecture.matchAll(/^\| `([a-z/-]+)\/` \| .* \| (.*) \|$/gm)].map(
  ([, module = '', words = '']) => ({ module, words }),
)

/** The modules that the text of row `n` names. */
function allowed(n: number): string[] {
  const { words = '' } = rows[n] ?? {}
  const named = [...words.matchAll(/`([a-z-]+)`/g)].map(([, name = '']) => name)
  if (!words.startsWith('all above')) return named.sort()
  const above = rows.slice(0, n).map(({ module }) => module)
  return (words.includes(' but ') ? above.filter((module) => !named.includes(module)) : above).sort()
}

t.test('the table of modules lists the imports that Biome allows', async (t) => {
  for (const [n, { module }] of rows.entries()) {
    const rules = overrides.filter(({ includes: [pattern] }) =>
      [`src/${module}/**`, `src/${module}/*.ts`, `src/${module}/views/**`].includes(pattern),
    )
    t.ok(rules.length > 0, `${module} has a rule`)
    for (const { linter } of rules) {
      const [{ message }] = linter.rules.style.noRestrictedImports.options.patterns
      const names = /may import (.*?)(?:, and src\/tables\.ts)?\.$/.exec(message)?.[1]?.split(', ') ?? []
      t.same(names.filter((name) => name !== 'no module').sort(), allowed(n), message)
    }
  }
})

t.test('every folder of src and of src/staff is in the table', async (t) => {
  const folders = async (path: string) =>
    (await readdir(new URL(path, root), { withFileTypes: true }))
      .filter((entry) => entry.isDirectory() && entry.name !== 'views')
      .map(({ name }) => `${path.slice('src/'.length)}${name}`)
  const modules = rows.map(({ module }) => module)
  for (const folder of [...(await folders('src/')), ...(await folders('src/staff/'))])
    t.ok(modules.includes(folder), folder)
})
