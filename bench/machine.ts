/** Describes the machine and software of a run: figures mean little without it. */
import { readFile } from 'node:fs/promises'
import { cpus, loadavg, totalmem } from 'node:os'
import { fileURLToPath } from 'node:url'
import { generator } from './load.ts'
import type { Postgres } from './postgres.ts'
import { run } from './processes.ts'

export type Machine = Record<string, string>

export async function describeMachine(postgres: Postgres): Promise<Machine> {
  return {
    processor: `${cpus()[0]?.model.trim()}, ${cpus().length} cores`,
    memory: `${Math.round(totalmem() / 1024 ** 3)} GiB`,
    system: await system(),
    'load before': (loadavg()[0] ?? 0).toFixed(2),
    software: `Node ${process.versions.node}, PostgreSQL ${postgres.version} (fsync on), ${generator}`,
    'global-logout': await commit(),
    beside: await peers(),
  }
}

async function system(): Promise<string> {
  const release = await readFile('/etc/os-release', 'utf8').catch(() => '')
  const kernel = (await run('uname', ['-sr'])).trim()
  return [/^PRETTY_NAME="?([^"\n]*)/m.exec(release)?.[1], kernel].filter(Boolean).join(', ')
}

async function commit(): Promise<string> {
  const git = (...args: string[]) =>
    run('git', ['-C', fileURLToPath(new URL('.', import.meta.url)), ...args]).then(
      (text) => text.trim(),
      () => '',
    )
  const changed = await git('status', '--porcelain', '--', ':/src', ':/migrations')
  return `commit ${(await git('rev-parse', '--short=10', 'HEAD')) || 'unknown'}${changed && ', with changes not committed'}`
}

/** The installed versions of everything that takes part. */
async function peers(): Promise<string> {
  const read = async (path: string) => JSON.parse(await readFile(new URL(path, import.meta.url), 'utf8'))
  const names = Object.keys((await read('package.json')).dependencies)
  const versions = names.map(
    async (name) => `${name} ${(await read(`node_modules/${name}/package.json`)).version}`,
  )
  return (await Promise.all(versions)).join(', ')
}
