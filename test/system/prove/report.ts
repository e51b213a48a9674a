/** Prints a run: its row in the table, what it exercised too little, and each violation with its proof. */
import type { Violation } from './checker.ts'
import { RULES } from './checker.ts'
import type { Act, Check, History, Scope } from './history.ts'
import type { Goals } from './options.ts'
import type { Run } from './run.ts'

const SCOPES: readonly Scope[] = ['local', 'one', 'others', 'global']
const PRINTED_VIOLATIONS = 5

/** The runs as a table in Markdown. */
export function table(runs: readonly Run[]): string {
  return markdown(runs.map(rowOf))
}

/** Rows with the same columns as a table in Markdown. */
export function markdown(rows: readonly Record<string, string>[]): string {
  const columns = Object.keys(rows[0] ?? {})
  const cells = [columns, ...rows.map((row) => Object.values(row))]
  const widths = columns.map((_, i) => Math.max(...cells.map((row) => row[i]?.length ?? 0)))
  const lines = cells.map((row) => `| ${row.map((cell, i) => pad(cell, widths[i] ?? 0, i)).join(' | ')} |`)
  const rule = `| ${widths.map((width, i) => (i < 2 ? '-'.repeat(width) : `${'-'.repeat(width - 1)}:`)).join(' | ')} |`
  return [lines[0], rule, ...lines.slice(1)].join('\n')
}

/** The first two columns are text, the others numbers. */
function pad(cell: string, width: number, column: number): string {
  return column < 2 ? cell.padEnd(width) : cell.padStart(width)
}

function rowOf(run: Run): Record<string, string> {
  const { verdicts, judgement, history } = run
  const { logouts, deletions, expiries } = countActs(history)
  return {
    mode: run.mode,
    fault: run.fault,
    seconds: run.seconds.toFixed(0),
    'checks 200': whole(verdicts.valid),
    'checks 401': whole(verdicts.refused),
    'checks 503': whole(verdicts.undecided),
    'no answer': whole(verdicts.lost),
    'from memory': whole(run.fromMemory),
    'of callers': run.fromCallers.map(whole).join('/'),
    'begun after an end': whole(judgement.tested),
    'within 100 ms': whole(judgement.promptly),
    'logouts local/one/others/global': SCOPES.map((scope) => logouts[scope]).join('/'),
    'not done': whole(logouts.undone),
    deletions: whole(deletions),
    expiries: whole(expiries),
    touches: whole(run.touches),
    faults: whole(run.faults),
    violations: whole(judgement.violations.length),
  }
}

export function countActs({ acts }: History) {
  const logouts: Record<Scope | 'undone', number> = { local: 0, one: 0, others: 0, global: 0, undone: 0 }
  let deletions = 0
  let expiries = 0
  for (const act of acts) {
    if (act.kind === 'logout') logouts[act.outcome === 'done' ? act.scope : 'undone']++
    else if (act.outcome !== 'done') continue
    else if (act.kind === 'deletion') deletions++
    else expiries++
  }
  return { logouts, deletions, expiries }
}

/** The goals that a run did not reach. A run that exercised too little proves nothing, and fails. */
export function shortfalls(run: Run, goals: Goals): string[] {
  const { logouts, deletions, expiries } = countActs(run.history)
  const done = SCOPES.reduce((sum, scope) => sum + logouts[scope], 0)
  const least: [what: string, is: number, atLeast: number][] = [
    ['checks decided', run.verdicts.valid + run.verdicts.refused, goals.checks],
    ['logouts', done, goals.logouts],
    ...SCOPES.map((scope): [string, number, number] => [`logouts of scope ${scope}`, logouts[scope], 1]),
    ['checks after an end', run.judgement.tested, done],
    ['checks within 100 ms of an end', run.judgement.promptly, done / 10],
    ['checks answered 200', run.verdicts.valid, goals.checks / 10],
    ['deletions by SQL', deletions, 1],
    ['expiries', expiries, 1],
    ['touches', run.touches, 1],
    ['checks from memory', run.fromMemory, run.mode === 'leased' ? 1 : 0],
    // A caller that was stopped or killed last may have had no lease since.
    ['checks from the memory of each caller', Math.min(...run.fromCallers), run.fault === 'none' ? 1 : 0],
    ['faults', run.faults, run.fault === 'none' ? 0 : 1],
  ]
  return least
    .filter(([, is, atLeast]) => is < atLeast)
    .map(([what, is, atLeast]) => `${whole(is)} ${what}, at least ${whole(atLeast)} needed`)
}

/** The violations of a run, each with the two events that contradict each other. */
export function explain({ history, judgement: { violations } }: Pick<Run, 'history' | 'judgement'>): string {
  const printed = violations.slice(0, PRINTED_VIOLATIONS).map((violation) => proof(violation, history))
  const more = violations.length - printed.length
  return [...printed, ...(more > 0 ? [`… and ${whole(more)} more`] : [])].join('\n')
}

function proof({ rule, session, what, against }: Violation, { sessions }: History): string {
  const { user, login } = sessions[session] ?? { user: -1, login: { begin: 0, end: 0 } }
  return [
    `${rule.toUpperCase()}: ${RULES[rule]}`,
    `  session ${session} of user ${user}, signed in ${span(login)}`,
    ...(against ? [`  ${say(against)}`] : []),
    `  ${say(what)}`,
  ].join('\n')
}

function say(event: Check | Act): string {
  if ('verdict' in event)
    return `${span(event)} check of session ${event.session} on instance ${event.instance}: ${event.verdict}`
  if (event.kind === 'deletion') return `${span(event)} deletion by SQL of ${event.targets}: ${event.outcome}`
  if (event.kind === 'expiry')
    return `${span(event)} expiry of session ${event.target} in ${event.ttl} ms: ${event.outcome}`
  const { scope, actor, target, instance, status, outcome, revoked } = event
  const whom = target === undefined ? '' : ` of session ${target}`
  return `${span(event)} logout ${scope}${whom} by session ${actor} on instance ${instance}: ${status}, ${outcome}, named ${revoked.join(', ') || 'no session'}`
}

function span({ begin, end }: { begin: number; end: number }): string {
  return `[${begin.toFixed(1)} – ${end.toFixed(1)} ms]`
}

export function whole(n: number): string {
  return Math.round(n).toLocaleString('en')
}
