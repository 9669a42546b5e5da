import { limits, type ProcessName } from '@vigil/protocol'
import { type World, type WorldAgent, world } from '@vigil/testkit'
import { afterEach, expect, test } from 'vitest'
import { type GateRing, openGateRing } from '../support/gate-ring.ts'

/** Each limit of contract.md section 3, with the code that says so. */
let w: World | undefined
let ring: GateRing | undefined
afterEach(async () => {
  w?.close()
  await ring?.close()
  w = undefined
  ring = undefined
})

const text = (bytes: number): string => 'x'.repeat(bytes - 2)

async function live(agent: WorldAgent): Promise<World> {
  w = world({ seed: 1, agents: { worker: { delivery: { maxRetries: 0 }, ...agent } } })
  expect(await w.until(() => w?.settled === true, 60_000), 'ring 0 is up').toBe(true)
  return w
}

test('a payload of 1 MB is accepted, and no byte more', async () => {
  const here = await live({ run: () => null })
  const worker = here.supervisor?.get('worker')
  const most = worker?.enqueue(text(limits.payloadBytes)) ?? Promise.reject()
  await expect(worker?.enqueue(text(limits.payloadBytes + 1))).rejects.toMatchObject({ code: 'TOO_LARGE' })
  await here.run(5_000)
  expect(await most).toMatchObject({ accepted: true })
})

test('a patch of more than a state value may have is refused whole', async () => {
  const here = await live({ run: () => null })
  const worker = here.supervisor?.get('worker')
  const patch = { small: 1, large: text(limits.stateValueBytes + 1) }
  await expect(worker?.patchContext(patch)).rejects.toMatchObject({
    code: 'TOO_LARGE',
    message: expect.stringContaining('"large"'),
  })
  expect((await worker?.context())?.state).toEqual({})
})

test('a turn has so many effects; what it has is still answered', async () => {
  ring = await openGateRing()
  const kept = await ring.call('step', { outcome: 1 }, 'step:kept#0')
  ring.commit(
    ...Array.from({ length: limits.turnEffects - 1 }, (_, n) => ({
      process: 'worker' as ProcessName,
      epoch: 1,
      type: 'effect.completed' as const,
      turn: 't1',
      data: { key: `step:s#${n}`, kind: 'step', outcome: { ok: true as const, value: null } },
    })),
  )
  const { outcome } = await ring.call('step', { outcome: 2 }, 'step:more#0')
  expect(outcome).toMatchObject({ ok: false, error: { code: 'TOO_MANY_EFFECTS' } })
  expect(await ring.call('step', { outcome: 1 }, 'step:kept#0')).toEqual(kept)
})

test('a file of more than 16 MB is not read', async () => {
  ring = await openGateRing({ specs: [{ name: 'worker', files: { in: '/in' } }] })
  await ring.fileSystem.makeDirectory('/in')
  for (const [name, bytes] of [
    ['most', limits.bodyBytes],
    ['more', limits.bodyBytes + 1],
  ] as const) {
    const file = await ring.fileSystem.open(`/in/${name}`, 'write')
    file.write(new Uint8Array(bytes), 0)
    await file.close()
  }
  const read = async (path: string) => (await ring?.call('file.read', { mount: 'in', path }, path))?.outcome
  expect(await read('more')).toMatchObject({ ok: false, error: { code: 'TOO_LARGE' } })
  expect(await read('most')).toMatchObject({ ok: true })
})
