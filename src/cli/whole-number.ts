/** An option that takes a whole number. */
import { InvalidArgumentError } from 'commander'

/** @throws InvalidArgumentError */
export function wholeNumber(text: string): number {
  if (!/^[1-9]\d{0,6}$/.test(text)) throw new InvalidArgumentError('Give a whole number from 1 to 9999999.')
  return Number(text)
}
