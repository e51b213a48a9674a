/**
 * `global-logout completion bash|zsh|fish`: prints a script that is generated from the commands, so it is always complete.
 * It completes commands and options, and queries no database. Libraries for this have no commander adapter, or run the
 * program at every key press.
 */
import { Argument, type Command } from 'commander'
import { print } from './print.ts'

/** The option that takes a file. */
const FILE_OPTION = '--users'
const SHELLS = ['bash', 'zsh', 'fish'] as const
type Shell = (typeof SHELLS)[number]

export function addCompletionCommand(program: Command): void {
  program
    .command('completion')
    .allowExcessArguments(false)
    .description('print a completion script for a shell')
    .addArgument(new Argument('<shell>', 'the shell').choices(SHELLS))
    .addHelpText(
      'after',
      `
Examples
  source <(global-logout completion bash)    # in ~/.bashrc
  source <(global-logout completion zsh)     # in ~/.zshrc, after compinit
  global-logout completion fish > ~/.config/fish/completions/global-logout.fish`,
    )
    .action((shell: Shell) => print(shell === 'fish' ? fish(program) : bash(program, shell)))
}

/** Each option that takes a value, with the arguments of bash's `compgen` for it: its choices, files, or an empty list. */
function valueOptions({ options, commands }: Command): [option: string, compgen: string][] {
  const own = options.flatMap(({ long, required, argChoices = [] }): [string, string][] =>
    long && required ? [[long, long === FILE_OPTION ? '-f' : `-W '${argChoices.join(' ')}'`]] : [],
  )
  return [...own, ...commands.flatMap(valueOptions)]
}

/** Each command, with the words that may follow it. */
function wordsAfter(command: Command, path: string[] = []): [path: string, words: string[]][] {
  const options = command.options.map(({ long, short }) => long ?? short ?? '')
  const names = command.commands.map((child) => child.name())
  const choices = command.registeredArguments.flatMap(({ argChoices }) => argChoices ?? [])
  const own: [string, string[]] = [path.join(' '), [...names, ...choices, ...options, '--help']]
  return [own, ...command.commands.flatMap((child) => wordsAfter(child, [...path, child.name()]))]
}

function bash(program: Command, shell: Shell): string {
  const cases = wordsAfter(program).map(([path, words]) => `    '${path}') words='${words.join(' ')}' ;;`)
  const valueCases = [...new Map(valueOptions(program))].map(
    ([option, compgen]) => `    ${option}) COMPREPLY=($(compgen ${compgen} -- "$current")); return ;;`,
  )
  return `${shell === 'zsh' ? 'autoload -U +X bashcompinit && bashcompinit\n' : ''}_global_logout() {
  local current="\${COMP_WORDS[COMP_CWORD]}" path='' words='' word
  case "\${COMP_WORDS[COMP_CWORD-1]}" in
${valueCases.join('\n')}
  esac
  for word in "\${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    case $word in -*) ;; *) path="\${path:+$path }$word" ;; esac
  done
  while :; do
    case $path in
${cases.join('\n')}
    esac
    # After an argument, complete as after the command itself.
    [[ -n $words || -z $path ]] && break
    [[ $path == *' '* ]] && path="\${path% *}" || path=''
  done
  COMPREPLY=($(compgen -W "$words" -- "$current"))
}
complete -F _global_logout global-logout`
}

function fish(program: Command): string {
  return wordsAfter(program)
    .flatMap(([path, words]) => {
      const names = path === '' ? [] : path.split(' ')
      const condition =
        names.length === 0
          ? '__fish_use_subcommand'
          : names.map((name) => `__fish_seen_subcommand_from ${name}`).join('; and ')
      return [`complete -c global-logout -n '${condition}' -a '${words.join(' ')}'`]
    })
    .join('\n')
}
