/**
 * CPU time and memory of processes, from Linux's /proc. On other systems everything is NaN, shown as a dash.
 */
import { readdir, readFile } from 'node:fs/promises'

/** USER_HZ, the unit of /proc/PID/stat: 100 to user space on every architecture that Node runs on. */
const TICK_US = 10_000

/** CPU time of one process so far, in µs. */
export async function cpuOf(pid: number): Promise<number> {
  return ticks(await fields(pid)).own * TICK_US
}

/**
 * CPU time of PostgreSQL so far, in µs: the postmaster, its running children, and its ended ones, whose time
 * it carries. So the time of a connection that closes in between is not lost.
 */
export async function cpuOfPostgres(postmaster: number): Promise<number> {
  const all = (await readdir('/proc').catch(() => [])).filter((name) => /^\d+$/.test(name))
  let total = 0
  for (const stat of await Promise.all(all.map((pid) => fields(Number(pid))))) {
    if (stat?.pid === postmaster) total += ticks(stat).own + ticks(stat).buried
    else if (stat?.parent === postmaster) total += ticks(stat).own
  }
  return total > 0 ? total * TICK_US : Number.NaN
}

/** Resident memory, in bytes. */
export async function memoryOf(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8').catch(() => '')
  return Number(/^VmRSS:\s+(\d+) kB/m.exec(status)?.[1] ?? Number.NaN) * 1024
}

type Stat = NonNullable<Awaited<ReturnType<typeof fields>>>

const ticks = (stat: Stat | null) => ({
  own: stat ? stat.user + stat.system : Number.NaN,
  buried: stat ? stat.childrenUser + stat.childrenSystem : Number.NaN,
})

/**
 * The name in parentheses may contain spaces; after the last one come numbers (proc(5)). Null if the process
 * is gone.
 */
async function fields(pid: number) {
  const text = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => null)
  if (text === null) return null
  const [, parent, , , , , , , , , , user, system, childrenUser, childrenSystem] = text
    .slice(text.lastIndexOf(')') + 2)
    .split(' ')
    .map(Number) as [number, number, ...number[]]
  return {
    pid,
    parent,
    user: user ?? 0,
    system: system ?? 0,
    childrenUser: childrenUser ?? 0,
    childrenSystem: childrenSystem ?? 0,
  }
}
