/** README, .env.example, docker-compose.yml and src/config.ts name the same settings. */
import { readFile } from 'node:fs/promises'
import t from 'tap'
import { problemsOf } from '../support/settings.ts'
import { readmeTable } from './readme.ts'

const read = (file: string) => readFile(new URL(`../../${file}`, import.meta.url), 'utf8')
const matches = (text: string, pattern: RegExp) =>
  [...text.matchAll(pattern)].map(([, name = '']) => name).sort()
const unique = (names: string[]) => [...new Set(names)]

const documented = readmeTable('Settings').map(([name = '']) => name)
const inConfig = matches(await read('src/config.ts'), /^ {2}([A-Z][A-Z_]*): /gm)
const inExample = matches(await read('.env.example'), /^(?:# )?([A-Z][A-Z_]*)=/gm)
const inCompose = unique(matches(await read('docker-compose.yml'), /\$\{([A-Z_]+)/g))

t.test('the README lists every setting, and no other', async (t) => {
  t.same([...documented].sort(), inConfig)
})

t.test('each listed setting is read: a wrong value is reported by its name', async (t) => {
  // A name may be almost any text.
  const wrong = Object.fromEntries(
    documented.map((name) => [name, name === 'APP_NAME' ? 'x'.repeat(100) : '?/ wrong']),
  )
  const problems = problemsOf(wrong)
  t.same(unique(problems.map((line) => line.split(':', 1)[0] ?? '')).sort(), inConfig)
})

t.test('docker-compose.yml passes every setting on, and .env.example names each', async (t) => {
  t.same(inExample, inCompose)
  const ownOfCompose = ['DATABASE_URL', 'DATABASE_DIRECT_URL', 'HOST']
  t.same(
    inCompose.filter((name) => name !== 'POSTGRES_PASSWORD'),
    inConfig.filter((name) => !ownOfCompose.includes(name)),
  )
})
