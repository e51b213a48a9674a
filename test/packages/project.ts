/** Packs the packages as npm would publish them, and installs them into empty projects. Needs no network. */
import { cp, mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { runProgram } from '../support/run-program.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))
const MODULES = join(root, 'node_modules')
/** For one command; packing builds each package. In milliseconds. */
const PATIENCE_MS = 300_000

const folders: string[] = []
t.teardown(() => Promise.all(folders.map((folder) => rm(folder, { recursive: true, force: true }))))

/** An empty folder, removed when the test file ends. */
async function emptyFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'global-logout-packages-'))
  folders.push(folder)
  return folder
}

export interface Outcome {
  code: number
  /** Both streams. */
  output: string
}

/**
 * Removes what tap sets for every process of a test: it loads modules, so that Node differs from that of
 * applications.
 */
export const PLAIN = ['env', ['-u', 'NODE_OPTIONS']] as const

/** Runs a program. Its environment contains only PATH, HOME and `env`. */
async function execute(
  command: string,
  args: string[],
  { cwd = root, env = {} }: { cwd?: string; env?: Record<string, string> } = {},
): Promise<Outcome> {
  const { PATH, HOME } = process.env
  const options = { cwd, env: { PATH, HOME, ...env }, timeout: PATIENCE_MS, maxBuffer: 2 ** 26 }
  return runProgram(PLAIN[0], [...PLAIN[1], command, ...args], options).then(
    ({ stdout, stderr }) => ({ code: 0, output: stdout + stderr }),
    ({ code, stdout, stderr, message }) => ({
      code: typeof code === 'number' ? code : -1,
      output: `${stdout}${stderr}${message}`,
    }),
  )
}

/** A tool in the checkout's `node_modules`. */
export function tool(name: string, args: string[], cwd = root): Promise<Outcome> {
  return execute(join(MODULES, '.bin', name), args, { cwd })
}

/** Packs every package of the workspace. @returns the tarballs by the names of the packages. */
export async function packAll(): Promise<Map<string, string>> {
  const folder = await emptyFolder()
  const args = ['pack', '--workspaces', '--include-workspace-root', '--pack-destination', folder]
  const { code, output } = await execute('npm', args)
  if (code !== 0) throw new Error(`npm pack failed: ${output}`)
  const tarballs = (await readdir(folder)).map((file) => join(folder, file))
  return new Map(await Promise.all(tarballs.map(async (file) => [(await unpack(file)).name, file] as const)))
}

interface Unpacked {
  name: string
  folder: string
  manifest: Record<string, Record<string, string> | undefined> & { name: string; version: string }
}

/** Unpacks a tarball into a folder of its own. */
export async function unpack(tarball: string): Promise<Unpacked> {
  const folder = join(await emptyFolder(), 'package')
  await mkdir(folder)
  await execute('tar', ['-xzf', tarball, '-C', folder, '--strip-components=1'])
  const manifest = JSON.parse(await readFile(join(folder, 'package.json'), 'utf8'))
  return { name: manifest.name, folder, manifest }
}

/** Packs a tarball again after `mistake` has changed its files. @returns the new tarball. */
export async function broken(
  tarball: string,
  mistake: (folder: string, manifest: Unpacked['manifest']) => unknown,
): Promise<string> {
  const { folder, manifest } = await unpack(tarball)
  await mistake(folder, manifest)
  await writeFile(join(folder, 'package.json'), JSON.stringify(manifest))
  const again = join(dirname(folder), 'broken.tgz')
  await execute('tar', ['-czf', again, '-C', dirname(folder), 'package'])
  return again
}

/**
 * A project with these tarballs installed, each after those that it needs. Other dependencies and peers come
 * from the checkout, except for optional ones.
 */
export async function startProject(...tarballs: string[]) {
  const folder = await emptyFolder()
  const inModules = (name: string) => join(folder, 'node_modules', name)
  const write = (file: string, text: string) => writeFile(join(folder, file), text)
  /** Links packages of the checkout, such as those that an application has itself. */
  async function link(...names: string[]): Promise<void> {
    for (const name of names) {
      await mkdir(dirname(inModules(name)), { recursive: true })
      await symlink(join(MODULES, name), inModules(name)).catch((error) => {
        if (error.code !== 'EEXIST') throw error
      })
    }
  }

  await write('package.json', JSON.stringify({ private: true, type: 'module' }))
  for (const tarball of tarballs) {
    const unpacked = await unpack(tarball)
    const { name, manifest } = unpacked
    await cp(unpacked.folder, inModules(name), { recursive: true })
    const { dependencies, peerDependencies, peerDependenciesMeta = {} } = manifest
    const names = Object.keys({ ...dependencies, ...peerDependencies })
    await link(...names.filter((name) => !Object.hasOwn(peerDependenciesMeta, name)))
  }
  return {
    folder,
    write,
    link,
    /** Runs a file of the project with Node, unchanged. */
    node: (file: string, env: Record<string, string> = {}) =>
      execute(process.execPath, [file], { cwd: folder, env }),
    /** Type-checks files strictly, including the types of libraries. */
    async types(resolution: 'bundler' | 'node16', ...files: string[]): Promise<Outcome> {
      const compilerOptions = {
        ...{ strict: true, skipLibCheck: false, noEmit: true, target: 'es2024', types: ['node'] },
        module: resolution === 'bundler' ? 'esnext' : 'node16',
        moduleResolution: resolution,
      }
      await write('tsconfig.json', JSON.stringify({ compilerOptions, files }))
      // By default it checks the same files once in each of its threads.
      return tool('tsc', ['--pretty', 'false', '--singleThreaded'], folder)
    },
  }
}

/** The example in a package's README: its first block of TypeScript. */
export async function readmeExample(name: 'client' | 'postgres'): Promise<string> {
  const readme = await readFile(join(root, 'packages', name, 'README.md'), 'utf8')
  const [, example] = /```ts\n(.*?)```/s.exec(readme) ?? []
  if (!example) throw new Error(`the README of ${name} has no example`)
  return example
}
