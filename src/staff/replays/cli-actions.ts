/** The action of `global-logout user acknowledge`. */
import { cliActor, parseOption } from '../../cli/common.ts'
import type { CommandContext } from '../../cli/context.ts'
import { print, printJson } from '../../cli/print.ts'
import { count } from '../../ui/format.ts'
import { reason } from '../reason.ts'
import type { AcknowledgeReplays } from './acknowledge.ts'

export type ReplaysContext = CommandContext<{ acknowledgeReplays: AcknowledgeReplays }>

export interface AcknowledgeOptions {
  reason: string
  json?: true
}

export async function acknowledge(
  context: ReplaysContext,
  id: string,
  options: AcknowledgeOptions,
): Promise<void> {
  const why = parseOption('reason', reason, options.reason)
  await context.withServices(async ({ acknowledgeReplays }) => {
    const done = await acknowledgeReplays(id, why, null, cliActor())
    if (options.json) return printJson(done)
    print(done.operationId ? `${count(done.count, 'record')} acknowledged.` : 'There is none to acknowledge.')
  })
}
