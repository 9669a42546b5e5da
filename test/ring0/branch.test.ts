import { type Branch, branch } from '@vigil/supervisor/internal'
import { virtualClock } from '@vigil/testkit'
import { expect, test } from 'vitest'

const path = ['a']

/** One agent that is up as soon as it is asked for; the refs that it was given, and what ended. */
function alone(isImplicit = true) {
  const begun: number[] = []
  const ended: number[] = []
  const clock = virtualClock()
  const made: Branch = branch(
    {
      isImplicit,
      clock,
      random: { next: () => 0, uuid: () => '', bytes: () => new Uint8Array() },
      agent: () => ({
        begin(ref) {
          begun.push(ref)
          made.started(ref)
        },
        end(ref) {
          ended.push(ref)
          made.exited(ref, { kind: 'shutdown' }, () => {})
        },
      }),
      report: () => {},
      gaveUp: () => {},
    },
    { flags: { intensity: 1, periodMs: 1_000 }, children: [{ id: 'a', start: 'a' }] },
  )
  return { made, begun, ended }
}

test('no life is called as an earlier one was, so that no late answer can be taken for that of another', async () => {
  const { made, begun, ended } = alone()
  for (let round = 0; round < 3; round += 1) {
    made.begin()
    await made.dismiss(path)
  }
  expect(new Set(begun).size).toBe(3)
  expect(ended).toEqual(begun)
})

test('a tree that was given up is there again for whoever asks', async () => {
  const { made, begun, ended } = alone()
  made.begin()
  expect(made.cool()).toBe(true)
  expect(made.rows()).toBeUndefined()
  made.bring(path)
  expect(made.rows()).toMatchObject([{ id: 'a', ref: begun.at(-1) }])
  expect(begun.length).toBe(2)
  expect(made.cool()).toBe(true)
  await made.dismiss(path)
  expect(ended).toEqual([begun.at(-1)])
  expect(made.rows()).toBeUndefined()
})

test('it is not given up while there is none, while somebody waits, or when it stands for a group', async () => {
  const { made } = alone()
  expect(made.cool()).toBe(false)
  const group = alone(false)
  group.made.begin()
  expect(group.made.cool()).toBe(false)
  const { made: restarting, begun } = alone()
  restarting.begin()
  restarting.configure({ children: [{ id: 'a', start: 'a', backoff: { baseMs: 500, maxMs: 500, stableMs: 0 } }] })
  restarting.exited(begun[0] ?? 0, { kind: 'exit_code', code: 1 }, () => {})
  expect(restarting.place(path)).toBe('restarting')
  expect(restarting.cool()).toBe(false)
})
