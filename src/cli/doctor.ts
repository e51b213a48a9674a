/** `global-logout doctor` and `global-logout sweep`: is all well, and tidy up now. */
import type { Command } from 'commander'
import { ConfigError, readConfig } from '../config.ts'
import { Problem } from '../errors.ts'
import { sweep } from '../sessions/sweeper.ts'
import { unfitServer } from '../storage/connection.ts'
import { databaseUrl, examples, explain, Failed, withDatabase } from './common.ts'
import { findInDatabase } from './database-findings.ts'
import { type Finding, findInSettings } from './findings.ts'
import { print, printJson } from './print.ts'
import { counted } from './show.ts'
import { printTable } from './table.ts'

export function addDoctorCommand(program: Command, env: NodeJS.ProcessEnv): void {
  program
    .command('doctor')
    .allowExcessArguments(false)
    .description('check settings, database, rights and clocks, and say what to do')
    .option('--json', 'print JSON')
    .addHelpText('after', examples('doctor', 'doctor --json'))
    .addHelpText('after', '\nChanges nothing. Exit code 1 when there is a problem, 0 with warnings only.')
    .action(async ({ json }: { json?: true }) => {
      const findings = await findAll(env)
      if (json) printJson(findings)
      else {
        printTable(
          ['', 'what', 'found'],
          findings.map(({ level, what, detail }) => [level, what, detail]),
        )
        print(summary(findings))
      }
      if (findings.some(({ level }) => level === 'problem')) throw new Failed()
    })

  program
    .command('sweep')
    .allowExcessArguments(false)
    .description('delete expired sessions now; the service does so every minute')
    .option('--json', 'print JSON')
    .addHelpText('after', examples('sweep'))
    .action(async ({ json }: { json?: true }) => {
      const deleted = await withDatabase(env, (database) => sweep(database))
      if (json) printJson({ deleted })
      else if (deleted === null) print('Another process is sweeping at this moment.')
      else print(`${counted(deleted, 'expired session')} deleted.`)
    })
}

async function findAll(env: NodeJS.ProcessEnv): Promise<Finding[]> {
  const inSettings: Finding[] = []
  try {
    const config = readConfig(env)
    inSettings.push(...findInSettings(config))
    return [...inSettings, ...(await findInDatabase(await databaseUrl(env), config))]
  } catch (error) {
    return [...inSettings, ...findInError(error)]
  }
}

function findInError(error: unknown): Finding[] {
  if (!(error instanceof ConfigError)) {
    const unfit = error instanceof Problem && unfitServer(error.cause)
    return [{ level: 'problem', what: unfit ? 'writable' : 'database', detail: explain(error) }]
  }
  return error.problems.map((line) => {
    const [what = '', detail = ''] = line.split(/: (.*)/s)
    return { level: 'problem', what, detail }
  })
}

function summary(findings: Finding[]): string {
  const count = (level: Finding['level']) => findings.filter((finding) => finding.level === level).length
  const [problems, warnings] = [count('problem'), count('warning')]
  if (problems + warnings === 0) return '\nAll is well.'
  return `\n${counted(problems, 'problem')}, ${counted(warnings, 'warning')}.`
}
