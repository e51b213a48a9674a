/** A language for tests, made from the English messages: every letter of a text is replaced, so that text of any other origin shows. */
import { IntlMessageFormat } from 'intl-messageformat'
import { en, type MessageKey, type Messages } from '../../src/ui/messages/en.ts'
import { LANGUAGES } from '../../src/ui/messages/languages.ts'

/** Russian, which none of the languages is: its dates and relative times have no Latin letter either. */
export const PSEUDO = 'ru'

/** A part of a message in the syntax tree of FormatJS. */
interface Part {
  type: number
  value: string
  options?: Record<string, { value: Part[] }>
  children?: Part[]
}
/** The kinds of parts that our messages have. */
const KIND = { literal: 0, argument: 1, select: 5, plural: 6, pound: 7, tag: 8 }

export const parse = (message: string): Part[] =>
  new IntlMessageFormat(message, 'en').getAst() as unknown as Part[]

/** Adds the language to those that readers may ask for. */
export function addPseudoLanguage(): void {
  const keys = Object.keys(en) as MessageKey[]
  const messages = Object.fromEntries(keys.map((key) => [key, print(parse(en[key]), replaceLetters)]))
  LANGUAGES.set(PSEUDO, { messages: messages as unknown as Messages, dir: 'ltr' })
}

const replaceLetters = (text: string) =>
  text.replace(/[a-z]/gi, (letter) => String.fromCodePoint(0x430 + ((letter.codePointAt(0) ?? 0) % 32)))

function print(parts: Part[], change: (text: string) => string): string {
  const printed = ({ type, value, options = {}, children = [] }: Part) => {
    if (type === KIND.literal) return change(value)
    if (type === KIND.pound) return '#'
    if (type === KIND.argument) return `{${value}}`
    if (type === KIND.tag) return `<${value}>${print(children, change)}</${value}>`
    const choices = Object.entries(options).map(([name, { value }]) => `${name} {${print(value, change)}}`)
    return `{${value}, ${type === KIND.select ? 'select' : 'plural'}, ${choices.join(' ')}}`
  }
  return parts.map(printed).join('')
}

/** What a message takes (`count plural`, `when`, `<strong>`), and the forms of each plural. */
export function argumentsOf(parts: Part[]): { names: Set<string>; plurals: string[][] } {
  const names = new Set<string>()
  const plurals: string[][] = []
  for (const { type, value, options = {}, children = [] } of parts) {
    if (type === KIND.tag) names.add(`<${value}>`)
    else if (type === KIND.select) names.add(`${value} select ${Object.keys(options)}`)
    else if (type === KIND.plural) {
      names.add(`${value} plural`)
      plurals.push(Object.keys(options))
    } else if (type === KIND.argument) names.add(value)
    for (const inner of [children, ...Object.values(options).map(({ value }) => value)]) {
      const found = argumentsOf(inner)
      for (const name of found.names) names.add(name)
      plurals.push(...found.plurals)
    }
  }
  return { names, plurals }
}
