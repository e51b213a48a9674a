/** `global-logout doctor` reports problems of a deployment. */
import { Failed } from '../cli/common.ts'
import type { CommandContext } from '../cli/context.ts'
import { explain } from '../cli/explain.ts'
import { print, printJson } from '../cli/print.ts'
import { printTable } from '../cli/table.ts'
import { ConfigError, readConfig } from '../config.ts'
import { unfitServer } from '../database/server-state.ts'
import { Problem } from '../errors.ts'
import { count } from '../ui/format.ts'
import { checkDatabase } from './database-checks.ts'
import type { Finding } from './finding.ts'
import { checkPlaces } from './places-check.ts'
import { checkSettings } from './settings-checks.ts'

export interface JsonOption {
  json?: true
}

export async function diagnose(context: CommandContext, { json }: JsonOption): Promise<void> {
  const findings = await runChecks(context)
  if (json) printJson(findings)
  else {
    printTable(
      ['', 'what', 'found'],
      findings.map(({ level, what, detail }) => [level, what, detail]),
    )
    print(summary(findings))
  }
  if (findings.some(({ level }) => level === 'problem')) throw new Failed()
}

async function runChecks(context: CommandContext): Promise<Finding[]> {
  const inSettings: Finding[] = []
  try {
    const config = readConfig(context.env)
    inSettings.push(...checkSettings(config), ...(await checkPlaces(config)))
    return [...inSettings, ...(await checkDatabase(await context.databaseUrls(), config))]
  } catch (error) {
    return [...inSettings, ...toFindings(error)]
  }
}

function toFindings(error: unknown): Finding[] {
  if (!(error instanceof ConfigError)) {
    const unfit = unfitServer(error instanceof Problem ? error.cause : error)
    return [{ level: 'problem', what: unfit ? 'writable' : 'database', detail: explain(error) }]
  }
  return error.problems.map((line) => {
    const [what = '', detail = ''] = line.split(/: (.*)/s)
    return { level: 'problem', what, detail }
  })
}

function summary(findings: Finding[]): string {
  const at = (level: Finding['level']) => findings.filter((finding) => finding.level === level).length
  const [problems, warnings] = [at('problem'), at('warning')]
  if (problems + warnings === 0) return '\nNo problems.'
  return `\n${count(problems, 'problem')}, ${count(warnings, 'warning')}.`
}
