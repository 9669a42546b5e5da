import type { AgentContext, AgentEvent } from '@vigil/agent'

interface Order {
  readonly role: 'ask' | 'answer' | 'send' | 'read'
  readonly count: number
}

const roles: { readonly [R in Order['role']]: (count: number, ctx: AgentContext) => Promise<number> } = {
  /** Median of the times there and back, in microseconds. */
  async ask(count, ctx) {
    const [there, back] = [ctx.channel<number>('there'), ctx.channel<number>('back')]
    const times: number[] = []
    for (let n = 0; n < count; n += 1) {
      const began = performance.now()
      there.send(n)
      await back.receive()
      times.push((performance.now() - began) * 1_000)
    }
    return times.toSorted((a, b) => a - b)[count >> 1] ?? 0
  },
  async answer(count, ctx) {
    const [there, back] = [ctx.channel<number>('there'), ctx.channel<number>('back')]
    for (let n = 0; n < count; n += 1) back.send(await there.receive())
    return count
  },
  async send(count, ctx) {
    const there = ctx.channel('there')
    for (let n = 0; n < count; ) {
      if (there.send({ symbol: 'VGL', price: n })) n += 1
      else await new Promise((resolve) => setTimeout(resolve, 1))
    }
    return count
  },
  /** Items that it got, per second. */
  async read(count, ctx) {
    const there = ctx.channel('there')
    await there.receive()
    const began = performance.now()
    let got = 1
    for (; got + there.lost < count; got += 1) await there.receive()
    return got / ((performance.now() - began) / 1_000)
  },
}

/** One end of a channel that is measured. */
export default function run({ payload }: AgentEvent<Order>, ctx: AgentContext): Promise<number> {
  return roles[payload.role](payload.count, ctx)
}
