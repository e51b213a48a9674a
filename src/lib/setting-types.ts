/** The types of single settings: each parses a text, or says what it must be. */
import { isAbsolute } from 'node:path'
import { z } from 'zod'
import { isRange } from './address-blocks.ts'

const list = z.string().transform((text) => text.split(/[\s,]+/).filter(Boolean))

export const origin = z
  .string()
  .refine(
    (text) => /^https?:\/\/[^/?#@\s]+\/?$/.test(text) && URL.canParse(text),
    'must be an origin such as https://app.example.com',
  )
  .transform((text) => new URL(text).origin)

export const origins = list.pipe(z.array(origin))

export const addresses = list.superRefine((items, context) => {
  const all = items.find((item) => isRange(item) && /\/0+$/.test(item))
  const message = !items.every(isRange)
    ? 'must list addresses or CIDR ranges such as 10.0.0.0/8, separated by commas'
    : all && `${all} lets every client state any address as its own; name your proxies, or their network`
  if (message) context.addIssue({ code: 'custom', message })
})

/** Kinds of data that `Clear-Site-Data` clears. Not cookies: that would clear those of every site of the domain. */
export const siteData = z
  .string()
  .refine(
    (text) => /^(none|(cache|storage)([\s,]+(cache|storage))?)$/.test(text),
    'must be cache, storage, both separated by a comma, or none',
  )
  .transform((text) => (text === 'none' ? [] : [...new Set(text.split(/[\s,]+/))]))

/** Cookie names: `token` of RFC 6265, without the comma. */
export const cookieNames = z
  .string()
  .transform((text) => [...new Set(text.split(',').map((name) => name.trim()))])
  .pipe(z.array(z.string().regex(/^[!#$%&'*+\-.^_`|~\w]+$/, 'must be cookie names, separated by commas')))

export const wholeNumber = (least: number, most: number) =>
  z
    .string()
    .refine(
      (text) => /^\d{1,9}$/.test(text) && Number(text) >= least && Number(text) <= most,
      `must be a whole number from ${least} to ${most}`,
    )
    .transform(Number)

export const absolutePath = z.string().refine((text) => isAbsolute(text), 'must be an absolute path')

/** The header of the country, and that of the city. */
export const headerNames = list
  .transform((names) => names.map((name) => name.toLowerCase()))
  .refine(
    (names) => names.length <= 2 && names.every((name) => /^[a-z0-9-]+$/.test(name)),
    'must name the header of the country and, after a comma, that of the city',
  )
