/** Every link and every path in the documents leads to an existing file, and every link to an existing heading. */
import { existsSync, globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { deadLinks } from '../support/links.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))
const files = globSync(['*.md', 'docs/**/*.md', 'examples/**/*.md', 'packages/*/README.md', 'bench/*.md'], {
  cwd: root,
  exclude: ['**/node_modules/**'],
})
const read = (file: string) => readFileSync(join(root, file), 'utf8')

t.test('every link inside the repository has a target', async (t) => {
  t.ok(files.length > 15, `${files.length} documents`)
  t.same(deadLinks(root, files), [])
})

t.test('every file and folder that a document names exists', async (t) => {
  const named = files.flatMap((file) =>
    [...read(file).matchAll(/`((?:src|test|docs|demo|packages|examples|migrations|bin)\/[\w./-]*)`/g)].map(
      ([, path = '']) => ({ file, path }),
    ),
  )
  t.ok(named.length > 50, `${named.length} paths`)
  for (const { file, path } of named) t.ok(existsSync(join(root, path)), `${file} names ${path}`)
})

t.test('every test that the security review names exists', async (t) => {
  const rows = read('docs/security-review.md').match(/^\|.*` \|$/gm) ?? []
  t.ok(rows.length > 35, `${rows.length} findings`)
  for (const row of rows)
    for (const [, name = ''] of (row.split('|').at(-2) ?? '').matchAll(/`([^`]+)`/g))
      t.ok(globSync(`test/${name}{,.test}.ts`, { cwd: root }).length > 0, name)
})
