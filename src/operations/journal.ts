/**
 * Acknowledged operations as lines of JSON in a folder, so that they outlive the process. Each process appends to files of its own;
 * one is begun every five minutes, and deleted ten minutes after its last line. So nothing is ever rewritten, any number of processes
 * share a folder, and each reads what the others left. A line is on the disk before its operation is answered. The files hold what the
 * audit log holds, and no token; only their owner may read them.
 */
import { type FileHandle, mkdir, open, readdir, readFile, stat, unlink } from 'node:fs/promises'
import { join } from 'node:path'
import { batch } from '../lib/batch.ts'
import { every } from '../lib/every.ts'
import type { Log } from '../lib/log.ts'

/** A file gets no further lines when it is this old, in milliseconds: another process may then delete it at `DELETE_MS`. */
const FILE_MS = 5 * 60_000
/** Age of a file's last line, in milliseconds, at which it is deleted. */
const DELETE_MS = 10 * 60_000
const PRUNE_MS = 60_000
const NAME = /^acknowledged-[0-9a-f-]{36}\.jsonl$/

export type Journal = Awaited<ReturnType<typeof openJournal>>

/** @throws Error when the folder cannot be written. */
export async function openJournal(folder: string, log: Log) {
  await mkdir(folder, { recursive: true, mode: 0o700 })
  const own = new Set<string>()
  /** Files that may be deleted once they are old: written here, or read and compared with the database. */
  const done = new Set<string>()
  let current: { file: FileHandle; since: number } | null = null
  let failures = 0

  async function nextFile(): Promise<FileHandle> {
    if (current && performance.now() - current.since < FILE_MS) return current.file
    await current?.file.close()
    current = null
    const name = `acknowledged-${crypto.randomUUID()}.jsonl`
    const file = await open(join(folder, name), 'ax', 0o600)
    own.add(name)
    done.add(name)
    current = { file, since: performance.now() }
    return file
  }

  /** One write and one flush for all that wait. */
  const write = batch(
    async (items: string[]) => {
      const file = await nextFile()
      try {
        await file.appendFile(items.join(''))
        await file.datasync()
      } catch (error) {
        // It may end in half a line.
        current = null
        await file.close().catch(() => {})
        throw error
      }
      return items
    },
    {
      inFlight: 1,
      size: 10_000,
      waiting: 100_000,
      waitMs: 10_000,
      refusal: (cause) => cause,
    },
  )

  async function prune(): Promise<void> {
    for (const name of done) {
      const path = join(folder, name)
      const age = await stat(path).then(
        ({ mtimeMs }) => Date.now() - mtimeMs,
        () => null,
      )
      if (age !== null && age < DELETE_MS) continue
      done.delete(name)
      if (age !== null) await unlink(path).catch(() => {})
    }
  }
  const pruning = every({ ms: PRUNE_MS, log, failed: 'could not delete old files of the journal' }, prune)
  // A folder that cannot be written stops the start.
  await nextFile()

  return {
    /** Resolves when the lines are on the disk, or when that failed: the operations are done, so it is only logged. */
    async append(lines: readonly string[]): Promise<void> {
      await write(lines.map((line) => `${line}\n`).join('')).catch((err) => {
        failures++
        log.error({ err, folder }, 'acknowledged operations not written to the journal; kept in memory only')
      })
    },

    /**
     * The lines of all files that this process did not write, and the last head of each. A torn last line was not acknowledged, and is
     * left out. `done` is to be called once the database has everything: until then the files stay.
     */
    async readOthers(): Promise<{ lines: string[]; heads: string[]; done(): void }> {
      const names: string[] = []
      const found = {
        lines: [] as string[],
        heads: [] as string[],
        done() {
          for (const name of names) done.add(name)
        },
      }
      for (const name of await readdir(folder)) {
        if (!NAME.test(name) || own.has(name)) continue
        const text = await readFile(join(folder, name), 'utf8').catch(() => '')
        let head: string | null = null
        for (const line of text.split('\n').slice(0, -1)) {
          const seen = headOf(line)
          if (seen === undefined) log.error({ file: name }, 'unreadable line in the journal')
          else if (seen === null) found.lines.push(line)
          else head = seen
        }
        if (head) found.heads.push(head)
        names.push(name)
      }
      return found
    },

    /** Lines that could not be written. */
    failures: () => failures,

    /** Deletes old files now. */
    prune: pruning.run,

    /** The files stay, for the next start. */
    async close(): Promise<void> {
      await pruning.close()
      await current?.file.close()
      current = null
    },
  }
}

/** The head that a line notes; null for an operation, undefined for what is neither. */
function headOf(line: string): string | null | undefined {
  try {
    const { head = null, id } = JSON.parse(line)
    return head !== null || typeof id === 'string' ? head : undefined
  } catch {
    return undefined
  }
}
