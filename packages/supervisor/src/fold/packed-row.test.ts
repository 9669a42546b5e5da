import { pack } from 'msgpackr'
import { expect, test } from 'vitest'
import { accepted, alpha, started, worldOf } from '../../fixtures/process.ts'
import { snapshotRow } from './checkpoint-row.ts'
import { packRow, unpackRow } from './packed-row.ts'

test('a row of any size comes in small pieces, all of one instant', () => {
  const { put, fold } = worldOf({})
  put(accepted('e1'))
  put(started('e1'))
  const work = (step: number) =>
    put({
      ...alpha,
      type: 'effect.completed',
      turn: 't-e1',
      data: { key: `step:${step}`, kind: 'step', outcome: { ok: true, value: step } },
    })
  for (let step = 0; step < 3_000; step += 1) work(step)
  for (let event = 0; event < 700; event += 1) put(accepted(`more-${event}`))
  const before = structuredClone(fold())
  const pieces: Uint8Array[] = []
  for (const [index, piece] of [...packRow(fold(), 9)].entries()) {
    pieces.push(piece)
    work(4_000 + index)
  }
  expect(pieces.length).toBeGreaterThan(12)
  expect(Math.max(...pieces.map(({ length }) => length))).toBeLessThan(100_000)
  const restored = unpackRow(Buffer.concat(pieces))
  expect(restored).toEqual({ process: before, seq: 9 })
  const effects = restored.process.turns.get('t-e1')?.effects.keys() ?? []
  expect([...effects].slice(-2)).toEqual(['step:2998', 'step:2999'])
})

test('a process that changes while it is packed is packed as it was', () => {
  const { put, fold } = worldOf({})
  for (let event = 0; event < 600; event += 1) put(accepted(`e${event}`))
  const before = structuredClone(fold())
  const packing = packRow(fold(), 1)
  const pieces = [packing.next().value as Uint8Array]
  put(accepted('later'))
  put(started('e0'))
  pieces.push(...packing)
  expect(unpackRow(Buffer.concat(pieces)).process).toEqual(before)
})

test('text that was cut in the middle of an emoji and keys of any name come back as they were', () => {
  const half = '\u{1f600}'.slice(0, 1)
  const odd = [half, { [half]: [half] }, JSON.parse('{"__proto__": {"a": 1}, "b": 2}'), [{ deep: [`text ${half}`] }]]
  const { put, fold } = worldOf({ context: { initialState: { [half]: odd } } })
  for (const [index, payload] of odd.entries()) put(accepted(`e${index}`, payload))
  const { process } = unpackRow(Buffer.concat([...packRow(fold(), 1)]))
  const told = (of: ReturnType<typeof fold>): string => JSON.stringify([...of.mailbox, ...of.state, of.manifest])
  expect(told(process)).toBe(told(fold()))
})

test('a purse that was packed before ended days were kept has none, and one of today has its own', () => {
  const { put, fold } = worldOf({})
  put(accepted('e1'))
  put(started('e1'))
  const { days: _, ...before } = fold().purse
  const { seq, ...row } = { ...snapshotRow(fold()), seq: 1 }
  expect(unpackRow(pack({ ...row, seq, purse: before })).process).toEqual(fold())
  fold().purse = { ...fold().purse, days: [{ from: 86_400_000, spent: { usd: 1 } }] }
  expect(unpackRow(Buffer.concat([...packRow(fold(), 1)])).process).toEqual(fold())
})

test('a row that lacks what a process has, or holds it as something else, is refused', () => {
  const { put, fold } = worldOf({})
  put(accepted('e1'))
  put(started('e1'))
  const row = snapshotRow(fold())
  expect(unpackRow(pack({ ...row, seq: 1 })).process).toEqual(fold())
  const ofBudgets = ['purse', 'budgetPatch', 'budgetRevision', 'parent', 'budgetPause']
  // These came later than the first rows.
  const later = new Set([
    'taken',
    'tools',
    'overlay',
    'requests',
    'endedRequests',
    'notices',
    'secrets',
    'secretUses',
    'conversation',
    'memory',
    'memoryBytes',
    'serverTools',
    'spentOn',
    ...ofBudgets,
  ])
  const keys = Object.keys(row).filter((key) => !later.has(key))
  for (const key of keys) {
    const { [key]: _, ...lacking } = row as unknown as Record<string, unknown>
    expect(() => unpackRow(pack(lacking)), `without ${key}`).toThrow()
  }
  for (const key of keys.filter((each) => row[each as keyof typeof row] !== undefined && each !== 'manifest'))
    expect(() => unpackRow(pack({ ...row, [key]: { other: 1 } })), `other ${key}`).toThrow()
  const [[id, turn] = []] = row.turns
  const { before: _, ...lacking } = turn ?? {}
  expect(() => unpackRow(pack({ ...row, turns: [[id, lacking]] }))).toThrow()
})
