/**
 * `global-logout completion bash|zsh|fish`: a script made from the commands themselves, so that it cannot fall behind.
 * Words only; nothing is asked of the database while somebody presses Tab. (The libraries for this either have no
 * commander adapter or run the program at every key press.)
 */
import { Argument, type Command } from 'commander'
import { print } from './print.ts'

/** The option whose value is a file. */
const FILE = '--users'
const SHELLS = ['bash', 'zsh', 'fish'] as const
type Shell = (typeof SHELLS)[number]

export function addCompletionCommand(program: Command): void {
  program
    .command('completion')
    .allowExcessArguments(false)
    .description('print a completion script for a shell')
    .addArgument(new Argument('<shell>', 'which shell').choices(SHELLS))
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

/** Options that take a value, and how bash finds one: among the choices, among files, or not at all. */
function values({ options, commands }: Command): [option: string, compgen: string][] {
  const own = options.flatMap(({ long, required, argChoices = [] }): [string, string][] =>
    long && required ? [[long, long === FILE ? '-f' : `-W '${argChoices.join(' ')}'`]] : [],
  )
  return [...own, ...commands.flatMap(values)]
}

/** Each command's path of words, and what may follow it. */
function following(command: Command, path: string[] = []): [path: string, words: string[]][] {
  const options = command.options.map(({ long, short }) => long ?? short ?? '')
  const names = command.commands.map((child) => child.name())
  const choices = command.registeredArguments.flatMap(({ argChoices }) => argChoices ?? [])
  const own: [string, string[]] = [path.join(' '), [...names, ...choices, ...options, '--help']]
  return [own, ...command.commands.flatMap((child) => following(child, [...path, child.name()]))]
}

function bash(program: Command, shell: Shell): string {
  const cases = following(program).map(([path, words]) => `    '${path}') words='${words.join(' ')}' ;;`)
  const behind = [...new Map(values(program))].map(
    ([option, compgen]) => `    ${option}) COMPREPLY=($(compgen ${compgen} -- "$current")); return ;;`,
  )
  return `${shell === 'zsh' ? 'autoload -U +X bashcompinit && bashcompinit\n' : ''}_global_logout() {
  local current="\${COMP_WORDS[COMP_CWORD]}" path='' words='' word
  case "\${COMP_WORDS[COMP_CWORD-1]}" in
${behind.join('\n')}
  esac
  for word in "\${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    case $word in -*) ;; *) path="\${path:+$path }$word" ;; esac
  done
  while :; do
    case $path in
${cases.join('\n')}
    esac
    # Behind an argument that is no command, what may follow is what may follow the command.
    [[ -n $words || -z $path ]] && break
    [[ $path == *' '* ]] && path="\${path% *}" || path=''
  done
  COMPREPLY=($(compgen -W "$words" -- "$current"))
}
complete -F _global_logout global-logout`
}

function fish(program: Command): string {
  return following(program)
    .flatMap(([path, words]) => {
      const names = path === '' ? [] : path.split(' ')
      const here =
        names.length === 0
          ? '__fish_use_subcommand'
          : names.map((name) => `__fish_seen_subcommand_from ${name}`).join('; and ')
      return [`complete -c global-logout -n '${here}' -a '${words.join(' ')}'`]
    })
    .join('\n')
}
