import { fileURLToPath } from 'node:url'
import { testAgent } from '@vigil/testkit'
import { expect, test } from 'vitest'

const desk = fileURLToPath(new URL('./invoice-desk.agent', import.meta.url))
const order = (count: number) =>
  JSON.stringify({ number: 7, customer: 'Bo', lines: [{ text: 'Tea', count, price: 4.35 }] })

test('an order becomes an invoice, priced by the manifest', async () => {
  await using t = await testAgent(desk, { seed: 1 })
  const turn = await t.fire('file', { path: 'orders/7.json', text: order(3) })
  expect(turn).toMatchObject({ status: 'completed', result: 'invoices/7.txt', state: { cents: 1_305 } })
  const called = turn.effects.filter(({ kind }) => kind === 'tool').map(({ input }) => input)
  expect(called).toMatchObject([{ name: 'total' }, { name: 'issue_invoice', input: { number: 7 } }])
})

test('an order without a good line is refused before anything is written', async () => {
  await using t = await testAgent(desk)
  const turn = await t.fire('file', { path: 'orders/7.json', text: order(0) })
  expect(turn).toMatchObject({ status: 'dead_lettered', error: { code: 'TOOL_INPUT_INVALID' } })
  expect(turn.effects.filter(({ kind }) => kind === 'file.write')).toEqual([])
})

test('what a tool gives can be made up', async () => {
  await using t = await testAgent(desk, { tools: { total: 99 } })
  const turn = await t.fire('file', { path: 'orders/7.json', text: order(3) })
  expect(turn.state).toEqual({ cents: 99 })
  await expect(testAgent(desk, { tools: { totl: 1 } })).rejects.toThrow('expected fakes of tools of the agent')
})

test('a long order waits for a person, who may change it', async () => {
  const tea = { text: 'Tea', count: 1, price: 1 }
  const long = { number: 7, customer: 'Bo', lines: Array.from({ length: 11 }, () => tea) }
  await using t = await testAgent(desk)
  const turn = t.fire('file', { path: 'orders/7.json', text: JSON.stringify(long) })
  while (t.requests.length === 0) await t.advance('1s')
  await t.requests[0]?.approve({ edits: { ...long, lines: [tea] } })
  expect(await turn).toMatchObject({ status: 'completed', state: { cents: 100 } })
})
