/** Every link in the documents leads to an existing file and heading. */
import { existsSync, globSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import t from 'tap'

const root = fileURLToPath(new URL('../..', import.meta.url))
const files = globSync(['*.md', 'docs/**/*.md', 'examples/**/*.md', 'packages/*/README.md', 'bench/*.md'], {
  cwd: root,
})
const read = (file: string) => readFileSync(join(root, file), 'utf8')

/** The anchors that GitHub gives to the headings of a document. */
function anchors(file: string): string[] {
  return [...read(file).matchAll(/^#+ (.+)$/gm)].map(([, heading = '']) =>
    heading
      .toLowerCase()
      .replace(/[^\p{L}\p{N}\s_-]/gu, '')
      .replace(/\s/g, '-'),
  )
}

t.test('every link inside the repository has a target', async (t) => {
  t.ok(files.length > 15, `${files.length} documents`)
  for (const file of files)
    for (const [, link = ''] of read(file).matchAll(/\]\((?!https?:)([^)\s]+)\)/g)) {
      const [path = '', anchor] = link.split('#')
      const target = path === '' ? file : join(dirname(file), path)
      t.ok(existsSync(join(root, target)), `${file} → ${link}`)
      if (anchor) t.ok(anchors(target).includes(anchor), `${file} → ${link}: the heading`)
    }
})
