/**
 * The name that a user gives a device. Whatever it is, it is one line of text that everyone can see: it cannot hide, reorder or overlay
 * the facts beside it. It is shown with those facts, and never instead of them: a thief can give a name, too.
 */
import { z } from 'zod'
import { MAX_DEVICE_NAME } from '../operations/schema.ts'

/** Controls, lines, signs that reorder text, halves of characters, and what no font has to know. */
const REFUSED = /[\p{Cc}\p{Zl}\p{Zp}\p{Bidi_Control}\p{Cs}\p{Co}]/u
/** Nothing to see. Joiners and the signs that choose a picture are parts of letters and emoji: alone they are nothing, too. */
const INVISIBLE = /[\p{Default_Ignorable_Code_Point}\p{White_Space}\u2800]/gu
const JOINERS = /\u200c|\u200d|\ufe0e|\ufe0f/gu
/** More marks on one letter than any language writes overlay the lines around. */
const STACKED = /\p{M}{4}/u

function isVisible(name: string): boolean {
  const hidden = name.replace(JOINERS, '').match(/\p{Default_Ignorable_Code_Point}/u)
  return !REFUSED.test(name) && !hidden && !STACKED.test(name) && name.replace(INVISIBLE, '') !== ''
}

/** A name as a form or a program sends it. Null and an empty text take the name away. */
export const deviceName = z
  .string('must be a text')
  .nullable()
  .transform((text) => text?.normalize('NFC').replace(/\s+/gu, ' ').trim() || null)
  .refine((name) => name === null || [...name].length <= MAX_DEVICE_NAME, {
    message: `must have at most ${MAX_DEVICE_NAME} characters`,
    abort: true,
  })
  .refine((name) => name === null || isVisible(name), 'must be one line of visible text')
