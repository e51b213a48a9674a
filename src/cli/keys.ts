/** `global-logout keys`: make, list and revoke the credentials of services. Talks to the database directly. */
import { type Command, Option } from 'commander'
import { duration } from '../lib/duration.ts'
import { uuid } from '../lib/schemas.ts'
import { KEY_SCOPES, type KeyScope } from '../operations/grants.ts'
import { createKey, endKey } from '../security/keys.ts'
import { type ListedKey, listKeys } from '../storage/keys.ts'
import { confirm, examples, instant, operator, UsageError, withDatabase } from './common.ts'
import { print, printJson, visible } from './print.ts'
import { printTable } from './table.ts'

const MAX_NAME = 100

/** Adds the command to `program`. */
export function addKeysCommand(program: Command, env: NodeJS.ProcessEnv): void {
  const keys = program.command('keys').description('the credentials of services: create, list, revoke')
  // Without a command of its own it would print the help and succeed.
  keys.action(() => keys.error('keys: create, list or revoke?'))

  keys
    .command('create')
    .allowExcessArguments(false)
    .description('make a key and print its secret, this once')
    .requiredOption('--name <name>', 'whose key it is, for people')
    .addOption(new Option('--scope <scope...>', 'what it may do').choices(KEY_SCOPES).makeOptionMandatory())
    .option('--expires <duration>', '90s, 30m, 12h, 90d, or never', '365d')
    .option('--json', 'print JSON')
    .addHelpText(
      'after',
      `${examples('keys create --name "edge gateway" --scope introspect', 'keys create --name shop --scope sessions:create events --expires 90d --json')}

To rotate: create a second key, change the service over, revoke the first. Both work meanwhile.`,
    )
    .action(async (options: { name: string; scope: KeyScope[]; expires: string; json?: true }) => {
      const wanted = {
        name: nameOf(options.name),
        scopes: [...new Set(options.scope)],
        lifetimeSeconds: lifetimeOf(options.expires),
      }
      const { key, record } = await withDatabase(env, ({ transaction }) =>
        transaction((tx) => createKey(tx, wanted, operator())),
      )
      const { id, name, scopes, createdAt, expiresAt } = record
      if (options.json) return printJson({ id, name, scopes, createdAt, expiresAt, key })
      print(`${key}\n`)
      print(`This secret is shown once. Key ${id} ("${visible(name)}"), scopes ${scopes.join(', ')},`)
      print(expiresAt ? `works until ${instant(expiresAt)}.` : 'works until it is revoked.')
    })

  keys
    .command('list')
    .allowExcessArguments(false)
    .description('show keys, never their secrets')
    .option('--all', 'also those that expired or were revoked')
    .option('--json', 'print JSON')
    .addHelpText('after', examples('keys list', 'keys list --all --json'))
    .action(async (options: { all?: true; json?: true }) => {
      const all = options.all ?? false
      const found = await withDatabase(env, ({ run }) => run((db) => listKeys(db, { all })))
      if (options.json) return printJson(found.map(({ keyHash: _, ...key }) => key))
      if (found.length === 0) return print('No keys. Make one with "global-logout keys create".')
      printTable(['id', 'name', 'scopes', 'state', 'created', 'expires', 'last used'], found.map(row))
    })

  keys
    .command('revoke')
    .allowExcessArguments(false)
    .description('refuse a key from the next request on')
    .argument('<id>', 'of the key, as "keys list" shows it')
    .option('--yes', 'do not ask')
    .option('--json', 'print JSON')
    .addHelpText('after', examples('keys revoke 0f6e6b78-1c5d-4b7e-9f3a-2d1c0b9a8e7f --yes'))
    .action(async (id: string, { yes, json }: { yes?: true; json?: true }) => {
      const wanted = uuid().safeParse(id)
      if (!wanted.success)
        throw new UsageError(`"${id}" is not the id of a key; see "global-logout keys list".`)
      await withDatabase(env, async ({ run, transaction }) => {
        const key = (await run((db) => listKeys(db, { all: true }))).find((key) => key.id === wanted.data)
        if (!key) throw new Error(`there is no key ${id}; see "global-logout keys list --all".`)
        if (!key.revokedAt) {
          const question = `Revoke "${key.name}" (${key.scopes.join(', ')}; last used ${instant(key.lastUsedAt)})?`
          await confirm(question, yes)
        }
        const ended = key.revokedAt ? null : await transaction((tx) => endKey(tx, key.id, operator()))
        const { name, revokedAt } = ended ?? key
        if (json) printJson({ id: key.id, name, revokedAt })
        else if (ended) print(`Key "${visible(name)}" is revoked: it is refused from now on.`)
        else print(`Key "${visible(name)}" was revoked at ${instant(revokedAt)} already.`)
      })
    })
}

function nameOf(text: string): string {
  const name = text.trim()
  if (name === '' || name.length > MAX_NAME || /\p{Cc}/u.test(name))
    throw new UsageError(`--name: must be 1 to ${MAX_NAME} visible characters`)
  return name
}

/** In seconds; null for `never`. */
function lifetimeOf(text: string): number | null {
  if (text === 'never') return null
  const parsed = duration.safeParse(text)
  if (!parsed.success) throw new UsageError(`--expires: ${parsed.error.issues[0]?.message}, or never`)
  return parsed.data
}

function row({ id, name, scopes, state, createdAt, expiresAt, lastUsedAt }: ListedKey): string[] {
  const expires = expiresAt ? instant(expiresAt) : 'never'
  return [id, name, scopes.join(' '), state, instant(createdAt), expires, instant(lastUsedAt)]
}
