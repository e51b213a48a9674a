/** A spreadsheet displays our CSV and never runs a formula in it. */
import { text } from 'node:stream/consumers'
import t from 'tap'
import { csvStream, wantsCsv } from '../../src/http/csv.ts'
import { csvLine } from '../support/csv.ts'

t.test('a field that would start a formula is shown as text', async (t) => {
  for (const field of ['=1+1', '+1', '-1', '@SUM(A1)', '＝1', '＋1', '－1', '＠1'])
    t.equal(await csvLine([field]), `"'${field}"\r\n`)
  for (const space of ['\t', '\r', '\n', ' '])
    t.equal(
      await csvLine([`${space}=1`]),
      `"${space}'=1"\r\n`,
      'also after white space, which a spreadsheet may trim',
    )
  const evil = '=HYPERLINK("http://evil.example","x")'
  t.equal(await csvLine([evil]), `"'=HYPERLINK(""http://evil.example"",""x"")"\r\n`)
})

t.test('no formula starts after a semicolon or a tab, which other locales take for separators', async (t) => {
  t.equal(await csvLine(['x;=1+1']), `"x;'=1+1"\r\n`)
  t.equal(await csvLine(['x";"=1+1']), `"x"";""'=1+1"\r\n`)
  t.equal(await csvLine(['x\t@SUM(A1)|-2']), `"x\t'@SUM(A1)|'-2"\r\n`)
  const agent = 'Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0'
  t.equal(
    await csvLine([agent, 'a - b, c+d']),
    `"${agent}","a - b, c+d"\r\n`,
    'harmless fields are unchanged',
  )
  const long = ';'.repeat(100_000)
  t.equal((await csvLine([long])).length, long.length + 4, 'a long field as well')
  const quotes = `;${'"'.repeat(100_000)}=`
  t.equal((await csvLine([quotes])).length, quotes.length + 100_000 + 5)
})

t.test('no value breaks out of its field', async (t) => {
  t.equal(await csvLine(['a","=1', 'b\r\n=1', ',;']), `"a"",""'=1","b\r\n'=1",",;"\r\n`)
  t.equal(await csvLine(['1=1', "'x", '']), '"1=1","\'x",""\r\n', 'harmless fields are unchanged')
  t.equal(
    await csvLine([null, 5, new Date(0), { a: 1 }]),
    '"","5","1970-01-01T00:00:00.000Z","{""a"":1}"\r\n',
  )
})

t.test('an error before the first line rejects; a later one breaks the stream', async (t) => {
  const line = (i: number) => `"${i}"\r\n`
  async function* lines(good: number) {
    for (let i = 0; i < good; i++) yield line(i)
    throw new Error('gone')
  }
  await t.rejects(csvStream(lines(0)), { message: 'gone' })
  await t.rejects(text(await csvStream(lines(1))), { message: 'gone' })
  async function* whole() {
    for (let i = 0; i < 10_000; i++) yield line(i)
  }
  const all = await text(await csvStream(whole()))
  t.equal(all, Array.from({ length: 10_000 }, (_, i) => line(i)).join(''), 'no line is lost')
})

t.test('CSV is sent only to a request whose Accept header names it', (t) => {
  for (const accept of ['text/csv', 'Text/CSV; charset=utf-8', 'text/csv, */*']) t.ok(wantsCsv({ accept }))
  for (const accept of [undefined, '*/*', 'application/json', 'text/html']) t.notOk(wantsCsv({ accept }))
  t.end()
})
