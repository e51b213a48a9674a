/** The languages of the pages. */
import { ar } from './ar.ts'
import { de } from './de.ts'
import { en, type Messages } from './en.ts'
import { es } from './es.ts'
import { fr } from './fr.ts'
import { ja } from './ja.ts'

export interface Language {
  messages: Messages
  dir: 'ltr' | 'rtl'
}

/** By language subtag of BCP 47. */
export const LANGUAGES = new Map<string, Language>([
  ['en', { messages: en, dir: 'ltr' }],
  ['de', { messages: de, dir: 'ltr' }],
  ['fr', { messages: fr, dir: 'ltr' }],
  ['es', { messages: es, dir: 'ltr' }],
  ['ja', { messages: ja, dir: 'ltr' }],
  ['ar', { messages: ar, dir: 'rtl' }],
])
