import type { ConversationWrites } from '@vigil/protocol'
import { applyRecord, snapshotRow, type World } from '@vigil/supervisor/internal'
import { expect, test } from 'vitest'
import { rewind } from '../../packages/supervisor/src/operations/rewind.ts'
import { openGateRing } from '../support/gate-ring.ts'

const said = (text: string): ConversationWrites => ({ append: [{ role: 'user', text }] })

test('a rewind brings the conversation back, and gives no number twice', async () => {
  const ring = await openGateRing()
  try {
    const complete = (turn: string, conversation: ConversationWrites): void => {
      const author = { process: 'worker' as never, epoch: 1, turn }
      const event_id = turn.slice(2)
      const event = { event_id, trigger_id: 'x', type: 'manual', timestamp: '', payload: null, metadata: {} }
      if (turn !== 't1')
        ring.commit({ process: 'worker' as never, epoch: 1, type: 'trigger.accepted', data: { event } })
      const data = { event_id: turn === 't1' ? 'e1' : event_id, attempt: 1, result: null, writes: { conversation } }
      ring.commit({ ...author, type: 'turn.completed', data })
    }
    complete('t1', said('one'))
    complete('t-e2', said('two'))
    const fold = () => ring.world.get('worker') as NonNullable<ReturnType<World['get']>>
    const first = (await ring.records('turn.completed'))[0]?.n ?? 0
    expect(fold().conversation.messages.map(({ n, message }) => [n, message.text])).toEqual([
      [1, 'one'],
      [2, 'two'],
    ])
    const done = await rewind(ring.log, fold(), { to: { n: first }, dryRun: false, by: 'operator' })
    expect(done).toMatchObject({ messages: 1, changes: [], applied: true })
    complete('t-e3', said('three'))
    const there = [
      [1, 'one'],
      [3, 'three'],
    ]
    expect(fold().conversation.messages.map(({ n, message }) => [n, message.text])).toEqual(there)
    // Recovery finds the same.
    const again: World = new Map()
    for (const record of await ring.records()) applyRecord(again, record)
    expect(snapshotRow(again.get('worker') as never)).toEqual(snapshotRow(fold()))
  } finally {
    await ring.close()
  }
})
