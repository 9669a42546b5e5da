import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Supervisor } from '@vigil/supervisor'
import OpenAI from 'openai'
import { type FakeModel, startFakeModel } from './fake-model.ts'
import { median, type Row, row } from './statistics.ts'

const rounds = 5
const callsPerRound = 200

async function bare({ url }: FakeModel): Promise<number[]> {
  const client = new OpenAI({ baseURL: url, apiKey: 'any' })
  const times: number[] = []
  for (let call = 0; call < callsPerRound; call += 1) {
    const began = performance.now()
    const stream = await client.chat.completions.create({
      model: 'gpt-5-mini',
      messages: [{ role: 'user', content: 'Go on.' }],
      max_completion_tokens: 4_096,
      stream: true,
      stream_options: { include_usage: true },
    })
    let text = ''
    for await (const chunk of stream) text += chunk.choices[0]?.delta.content ?? ''
    if (text !== 'Done.') throw new Error(`expected the whole answer, found ${JSON.stringify(text)}`)
    times.push(performance.now() - began)
  }
  return times
}

/** A thought of an agent through gate, journal, ledger and gateway, beside the same call by the bare client. */
export async function modelCall(): Promise<Row[]> {
  const dataDir = mkdtempSync(join(tmpdir(), 'vigil-bench-'))
  const model = await startFakeModel()
  const providers = { openai: { baseUrl: model.url, prices: 'free' } } as const
  const s = await Supervisor.start({ dataDir, config: { providers }, env: { OPENAI_API_KEY: 'any' } })
  const entrypoint = new URL('./agents/thinker.ts', import.meta.url)
  const thinker = await s.spawn({ name: 'thinker', entrypoint, model: 'openai:gpt-5-mini', budget: 'unlimited' })
  const governed: number[] = []
  const direct: number[] = []
  for (let round = 0; round <= rounds; round += 1) {
    const times = [median((await thinker.run(callsPerRound)) as number[]), median(await bare(model))] as const
    // The first round is warmth.
    if (round === 0) continue
    governed.push(times[0])
    direct.push(times[1])
  }
  await s.stop()
  await model.end()
  rmSync(dataDir, { recursive: true, force: true })
  const added = governed.map((value, round) => value - (direct[round] ?? 0))
  return [
    row('ctx.think of one call, model that answers at once, p50', 'ms', governed, {
      name: 'bare openai',
      values: direct,
    }),
    row('what Vigil adds to a call', 'ms', added, undefined, '<= 3'),
  ]
}
