import { hash } from 'node:crypto'
import { type ModelReply, type ModelRequest, VigilError } from '@vigil/protocol'

type Answer = Pick<ModelReply, 'text' | 'calls' | 'finish'>

/** All that models are known to do, one thing for each seed; half of the time it ends the thought. */
export function chaos(request: ModelRequest, seed: string): Answer {
  const drawn = hash('sha256', seed, 'buffer')
  const pick = <T>(list: readonly T[], at: number): T | undefined => list[(drawn[at] ?? 0) % list.length]
  const tool = pick(request.tools ?? [], 1)?.name ?? 'nothing'
  const call = (name: string, text: string): Answer => ({
    text: '',
    calls: [{ id: `call_${seed.length}_${drawn[2]}`, name, arguments: text }],
    finish: 'tools',
  })
  const kind = (drawn[0] ?? 0) % 16
  if (kind < 8) return { text: 'That is all.', calls: [], finish: 'stop' }
  if (kind === 8) throw new VigilError(pick(failures, 3) ?? 'MODEL_UNAVAILABLE', 'sim:chaos: so it goes')
  if (kind === 9) return { text: '', calls: [], finish: 'stop' }
  if (kind === 10) return { text: 'so much '.repeat(2_000), calls: [], finish: 'length' }
  if (kind === 11) return call(tool, '{"half": ')
  if (kind === 12) return call('no_such_tool', '{}')
  if (kind === 13) return call(tool, '["no", "object"]')
  return call(tool, '{}')
}

const failures = ['MODEL_UNAVAILABLE', 'MODEL_RATE_LIMITED', 'MODEL_TIMEOUT', 'MODEL_MALFORMED'] as const
