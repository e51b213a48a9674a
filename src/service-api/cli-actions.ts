/** `global-logout keys`: creates, lists and revokes service keys, directly in the database. */
import { cliActor, confirm, formatInstant, UsageError } from '../cli/common.ts'
import type { CommandContext } from '../cli/context.ts'
import { resolveId, shortId } from '../cli/ids.ts'
import { print, printJson, visible } from '../cli/print.ts'
import { printTable } from '../cli/table.ts'
import type { Database } from '../database/database.ts'
import { duration } from '../lib/duration.ts'
import type { AcknowledgedActs } from '../operations/acknowledged.ts'
import { createKey, endKey } from './keys.ts'
import { type ListedKey, listKeys } from './queries.ts'
import { serviceKey } from './schema.ts'
import type { KeyScope } from './scopes.ts'

export interface CreateOptions {
  name: string
  scope: KeyScope[]
  expires: string
  json?: true
}

export interface ListOptions {
  all?: boolean
  json?: true
  wide?: true
}

export interface RevokeOptions {
  yes?: true
  json?: true
}

const MAX_NAME = 100

export async function create(context: CommandContext, options: CreateOptions): Promise<void> {
  const wanted = {
    name: parseName(options.name),
    scopes: [...new Set(options.scope)],
    lifetimeSeconds: parseLifetime(options.expires),
  }
  const { key, record } = await context.withDatabase(({ transaction }) =>
    transaction((tx) => createKey(tx, wanted, cliActor())),
  )
  const { id, name, scopes, createdAt, expiresAt } = record
  if (options.json) return printJson({ id, name, scopes, createdAt, expiresAt, key })
  print(`${key}\n`)
  print(`This secret is shown once. Key ${id} ("${visible(name)}"), scopes ${scopes.join(', ')},`)
  print(expiresAt ? `valid until ${formatInstant(expiresAt)}.` : 'valid until it is revoked.')
}

export async function list(context: CommandContext, { all = false, json, wide }: ListOptions): Promise<void> {
  const found = await context.withDatabase(({ run }) => run((db) => listKeys(db, { all })))
  if (json) return printJson(found.map(({ keyHash: _, ...key }) => key))
  if (found.length === 0) return print('No keys. Create one with "global-logout keys create".')
  printTable(
    ['id', 'name', 'scopes', 'state', 'last used', 'expires', 'created'],
    found.map((key) => row(key, wide)),
  )
}

export type KeysContext = CommandContext<{
  database: Pick<Database, 'run' | 'transaction'>
  acknowledged: Pick<AcknowledgedActs, 'keep'>
}>

export async function revoke(context: KeysContext, id: string, { yes, json }: RevokeOptions): Promise<void> {
  await context.withServices(async ({ database: { run, transaction }, acknowledged }) => {
    const whole = await resolveId({ run }, serviceKey.id, id, { what: 'a key', list: 'keys list --all' })
    const key = (await run((db) => listKeys(db, { all: true }))).find((key) => key.id === whole)
    if (!key) throw new Error(`no key has the id ${id}. Run "global-logout keys list --all".`)
    if (!key.revokedAt) {
      const question = `Revoke "${key.name}" (${key.scopes.join(', ')}; last used ${formatInstant(key.lastUsedAt)})?`
      await confirm(question, yes)
    }
    const ended = key.revokedAt ? null : await transaction((tx) => endKey(tx, key.id, cliActor()))
    if (ended) await acknowledged.keep([ended.act])
    const { name, revokedAt } = ended?.key ?? key
    if (json) printJson({ id: key.id, name, revokedAt })
    else if (ended) print(`Key "${visible(name)}" is revoked. The service refuses it from now on.`)
    else print(`Key "${visible(name)}" was already revoked at ${formatInstant(revokedAt)}.`)
  })
}

function parseName(text: string): string {
  const name = text.trim()
  if (name === '' || name.length > MAX_NAME || /\p{Cc}/u.test(name))
    throw new UsageError(`--name: must be 1 to ${MAX_NAME} visible characters`)
  return name
}

/** @returns seconds; null for `never`. */
function parseLifetime(text: string): number | null {
  if (text === 'never') return null
  const parsed = duration.safeParse(text)
  if (!parsed.success) throw new UsageError(`--expires: ${parsed.error.issues[0]?.message}, or never`)
  return parsed.data
}

function row(
  { id, name, scopes, state, createdAt, expiresAt, lastUsedAt }: ListedKey,
  wide: boolean | undefined,
): string[] {
  const expires = expiresAt ? formatInstant(expiresAt) : 'never'
  return [
    shortId(id, wide),
    name,
    scopes.join(' '),
    state,
    formatInstant(lastUsedAt),
    expires,
    formatInstant(createdAt),
  ]
}
