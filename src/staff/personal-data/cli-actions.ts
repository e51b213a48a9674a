/** The actions of `global-logout user export|erase`. */
import { cliActor, confirm, parseOption } from '../../cli/common.ts'
import type { CommandContext } from '../../cli/context.ts'
import { print, printCsv, printJson } from '../../cli/print.ts'
import { count } from '../../ui/format.ts'
import { reason } from '../reason.ts'
import type { PersonalData } from './routes.ts'

export type PersonalDataContext = CommandContext<{ personalData: PersonalData }>

export interface EraseOptions {
  reason: string
  yes?: true
  json?: true
}

export const exportData = (context: PersonalDataContext, id: string): Promise<void> =>
  context.withServices(({ personalData }) => printCsv(personalData.exportUser(id, cliActor())))

export async function erase(context: PersonalDataContext, id: string, options: EraseOptions): Promise<void> {
  const why = parseOption('reason', reason, options.reason)
  await confirm(
    `Erase the user with the id "${id}" from everything that is kept here? This cannot be undone.`,
    options.yes,
  )
  await context.withServices(async ({ personalData }) => {
    const done = await personalData.eraseUser(id, why, cliActor())
    if (options.json) return printJson(done)
    if (done.operationId === null) return print('There was nothing left to erase.')
    const { ended, entries, revocations, replays, incidents, lockKept } = done
    print(
      `${count(ended, 'session')} ended. Erased from ${[
        count(entries, 'entry').replace(/entrys$/, 'entries'),
        count(revocations, 'ended session'),
        count(replays, 'reused token'),
        count(incidents, 'incident'),
      ].join(', ')}. Operation ${done.operationId}.`,
    )
    if (lockKept) print('A lock is in force: it stays, with the id, until it ends or staff lift it.')
  })
}
