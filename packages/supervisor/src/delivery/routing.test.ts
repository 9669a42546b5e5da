import { describe, expect, test } from 'vitest'
import { worldOf } from '../../fixtures/process.ts'
import { onEvent, onMessage } from '../manifests/trigger-builders.ts'
import { triggerId } from '../triggers/event-id.ts'
import { refusalsOf } from './intake.ts'
import { messageReceivers, subscribers } from './routing.ts'

const publication = (data: unknown) => ({
  event_id: 'e1',
  topic: 'news.today',
  source: 'desk',
  data,
  timestamp: '2026-01-01T00:00:00.000Z',
})
const letter = (content: unknown) => ({
  message_id: 'm1',
  to: 'alpha',
  sender: 'desk',
  content,
  timestamp: '2026-01-01T00:00:00.000Z',
})
const idsOf = (world: ReturnType<typeof worldOf>) => world.fold().manifest.triggers.map(triggerId)

describe('a publication', () => {
  test('goes to the first trigger that takes it, and is counted by each that did not', () => {
    const world = worldOf({
      triggers: [
        onEvent('news.*', { enabled: false }),
        onEvent('*.today', { filter: "payload.data.kind == 'a' and type == 'event'" }),
        onEvent('news.**', { filter: "payload.source == 'desk' and payload.data.kind in ['a', 'b']" }),
      ],
    })
    const [off, a, ab] = idsOf(world)
    const receivers = (kind: string) => subscribers(world.world, publication({ kind })).map((each) => each.trigger_id)
    expect([receivers('a'), receivers('b'), receivers('c')]).toEqual([[a], [ab], []])
    expect([off, a, ab].map((id) => refusalsOf(world.fold(), id as string))).toEqual([
      { disabled: 3 },
      { filter: 2 },
      { filter: 1 },
    ])
  })

  test('of another topic or source is asked of no filter', () => {
    const world = worldOf({ triggers: [onEvent('news.*', { source: 'other', filter: 'false' })] })
    expect(subscribers(world.world, publication(1))).toEqual([])
    expect(refusalsOf(world.fold(), idsOf(world)[0] as string)).toBeUndefined()
  })
})

describe('a message', () => {
  const world = worldOf({
    triggers: [onMessage({ filter: "payload.content == 'a'" }), onMessage({ from: 'desk', enabled: false })],
  })

  test('goes to the trigger that takes it', () => {
    expect(messageReceivers(world.world, letter('a'))).toEqual([
      { process: 'alpha', trigger_id: idsOf(world)[0], event_id: 'm1' },
    ])
  })

  test('that no trigger takes is refused with what was found', () => {
    expect(() => messageReceivers(world.world, letter('b'))).toThrow(
      expect.objectContaining({
        code: 'INVALID_ARGUMENT',
        message:
          '"alpha" takes no such message from "desk": expected a message trigger that takes it, found the filter payload.content == \'a\', a disabled one',
      }),
    )
  })
})
