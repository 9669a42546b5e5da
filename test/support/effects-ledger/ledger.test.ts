import type { JournalRecord } from '@vigil/protocol'
import { expect, test } from 'vitest'
import { type LedgerEntry, ledgerViolations, startEffectsLedger } from './ledger.ts'

test('the ledger keeps every request, in order, also one that is repeated', async () => {
  const ledger = await startEffectsLedger()
  try {
    const send = (method: string, key: string, event: string) =>
      fetch(`http://${ledger.host}/`, {
        method,
        headers: { 'idempotency-key': key },
        body: JSON.stringify({ agent: 'a', event }),
      }).then((reply) => reply.text())
    await send('PUT', 'k1', 'one')
    await send('POST', 'k2', 'two')
    await send('PUT', 'k1', 'one')
    expect(await ledger.entries()).toEqual([did('one', 'k1'), did('two', 'k2'), did('one', 'k1')])
  } finally {
    await ledger.close()
  }
})

const did = (event: string, key?: string): LedgerEntry => ({
  ...(key === undefined ? { key: undefined } : { key }),
  body: { agent: 'a', event },
})
const log = ['k1', 'k2', 'k3'].map((key) => ({ type: 'effect.intended', data: { idempotency_key: key } }))
const expected = ['one', 'two'].map((event) => ({ agent: 'a', event }))

test.each<[string, LedgerEntry[], string[]]>([
  ['each effect once', [did('one', 'k1'), did('two', 'k2')], []],
  ['a repeat that the key makes harmless', [did('one', 'k1'), did('two', 'k2'), did('one', 'k1')], []],
  ['an effect that is missing', [did('one', 'k1')], ["a's effect of two was not done"]],
  [
    'an effect that was done anew',
    [did('one', 'k1'), did('two', 'k2'), did('one', 'k3')],
    ["a's effect of one was done under 2 keys"],
  ],
  [
    'an effect that nobody asked for',
    [did('one', 'k1'), did('two', 'k2'), did('three', 'k3')],
    ["a's effect of three was done and nobody asked for it"],
  ],
  ['a request without key', [did('one'), did('two', 'k2')], ["a's effect of one has no intent on record"]],
  [
    'a request that the log does not know',
    [did('one', 'k9'), did('two', 'k2')],
    ["a's effect of one has no intent on record"],
  ],
])('the checker judges %s', (_what, entries, broken) => {
  expect(ledgerViolations(entries, expected, log as unknown as JournalRecord[])).toEqual(broken)
})
