/** CSV that a spreadsheet shows as it was, and never runs. */
import { text } from 'node:stream/consumers'
import t from 'tap'
import { csvStream, wantsCsv } from '../../src/http/csv.ts'
import { csvLine } from '../../src/lib/csv.ts'

t.test('what would begin a formula is shown as text', (t) => {
  for (const field of ['=1+1', '+1', '-1', '@SUM(A1)', '＝1', '＋1', '－1', '＠1'])
    t.equal(csvLine([field]), `"'${field}"\r\n`)
  for (const space of ['\t', '\r', '\n', ' '])
    t.equal(csvLine([`${space}=1`]), `"${space}'=1"\r\n`, 'also behind what may be taken away')
  const evil = '=HYPERLINK("http://evil.example","x")'
  t.equal(csvLine([evil]), `"'=HYPERLINK(""http://evil.example"",""x"")"\r\n`)
  t.end()
})

t.test('nor where semicolons or tabs, and not commas, begin a cell', (t) => {
  t.equal(csvLine(['x;=1+1']), `"x;'=1+1"\r\n`)
  t.equal(csvLine(['x";"=1+1']), `"x"";""'=1+1"\r\n`)
  t.equal(csvLine(['x\t@SUM(A1)|-2']), `"x\t'@SUM(A1)|'-2"\r\n`)
  const agent = 'Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0'
  t.equal(csvLine([agent, 'a - b, c+d']), `"${agent}","a - b, c+d"\r\n`, 'and the harmless stay as they are')
  const long = ';'.repeat(100_000)
  t.equal(csvLine([long]).length, long.length + 4, 'however long')
  const quotes = `;${'"'.repeat(100_000)}=`
  t.equal(csvLine([quotes]).length, quotes.length + 100_000 + 5)
  t.end()
})

t.test('nothing gets out of its field', (t) => {
  t.equal(csvLine(['a","=1', 'b\r\n=1', ',;']), `"a"",""'=1","b\r\n'=1",",;"\r\n`)
  t.equal(csvLine(['1=1', "'x", '']), '"1=1","\'x",""\r\n', 'and the harmless stay as they are')
  t.equal(csvLine([null, 5, new Date(0), { a: 1 }]), '"","5","1970-01-01T00:00:00.000Z","{""a"":1}"\r\n')
  t.end()
})

t.test('a failure before the first line is told; one after it breaks the stream', async (t) => {
  async function* lines(good: number) {
    for (let i = 0; i < good; i++) yield csvLine([i])
    throw new Error('gone')
  }
  await t.rejects(csvStream(lines(0)), { message: 'gone' })
  await t.rejects(text(await csvStream(lines(1))), { message: 'gone' })
  async function* whole() {
    for (let i = 0; i < 10_000; i++) yield csvLine([i])
  }
  const all = await text(await csvStream(whole()))
  t.equal(all, Array.from({ length: 10_000 }, (_, i) => csvLine([i])).join(''), 'nothing is lost between')
})

t.test('only who names it gets CSV', (t) => {
  for (const accept of ['text/csv', 'Text/CSV; charset=utf-8', 'text/csv, */*']) t.ok(wantsCsv({ accept }))
  for (const accept of [undefined, '*/*', 'application/json', 'text/html']) t.notOk(wantsCsv({ accept }))
  t.end()
})
