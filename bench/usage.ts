/**
 * CPU time and memory of processes, from Linux's /proc. Elsewhere everything is NaN and shows as a dash.
 */
import { readdir, readFile } from 'node:fs/promises'

/** USER_HZ, the unit of /proc/PID/stat: 100 to user space on every architecture that Node runs on. */
const TICK_US = 10_000

/** CPU time of one process so far, in µs. */
export async function cpuOf(pid: number): Promise<number> {
  return ticks(await fields(pid)).own * TICK_US
}

/**
 * CPU time of PostgreSQL so far, in µs: the postmaster, its living children, and those it has buried, whose time it
 * carries. So a connection that closes in between is not lost.
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

/** The name in parentheses may hold spaces; what follows the last one is numbers (proc(5)). Null when it is gone. */
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
