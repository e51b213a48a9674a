/** `global-logout doctor` reports problems of a deployment. */
import { Failed } from '../cli/common.ts'
import type { CommandContext } from '../cli/context.ts'
import { explain } from '../cli/explain.ts'
import { print, printJson } from '../cli/print.ts'
import { printTable } from '../cli/table.ts'
import { ConfigError } from '../config.ts'
import { unfitServer } from '../database/server-state.ts'
import { Problem } from '../errors.ts'
import { count } from '../ui/format.ts'
import { checkDatabase } from './database-checks.ts'
import { type Finding, problem } from './finding.ts'
import { checkPlaces } from './places-check.ts'
import { checkNames, checkSettings, readValidSettings } from './settings-checks.ts'

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

/** Goes on without the settings that are invalid, as far as it can. */
async function runChecks(context: CommandContext): Promise<Finding[]> {
  const { config, problems } = readValidSettings(context.env)
  const found = [
    ...problems.map(toFinding),
    ...checkNames(context.env),
    ...checkSettings(config),
    ...(await checkPlaces(config)),
  ]
  const { databaseUrl: url, databaseDirectUrl: directUrl } = config
  if (problems.some((line) => line.startsWith('DATABASE_')))
    return [
      ...found,
      problem('database', 'not checked: correct the settings that begin with DATABASE_ first.'),
    ]
  try {
    const urls = url ? { url, directUrl } : await context.databaseUrls()
    return [...found, ...(await checkDatabase(urls, config))]
  } catch (error) {
    if (error instanceof ConfigError)
      return [...found, ...error.problems.filter((line) => !problems.includes(line)).map(toFinding)]
    const unfit = unfitServer(error instanceof Problem ? error.cause : error)
    return [...found, problem(unfit ? 'writable' : 'database', explain(error))]
  }
}

function toFinding(line: string): Finding {
  const [what = '', detail = ''] = line.split(/: (.*)/s)
  return problem(what, detail)
}

function summary(findings: Finding[]): string {
  const at = (level: Finding['level']) => findings.filter((finding) => finding.level === level).length
  const [problems, warnings] = [at('problem'), at('warning')]
  if (problems + warnings === 0) return '\nNo problems.'
  return `\n${count(problems, 'problem')}, ${count(warnings, 'warning')}.`
}
