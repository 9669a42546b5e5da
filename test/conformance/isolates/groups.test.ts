import { describe, expect, test } from 'vitest'
import { fleet } from '../../support/fleet.ts'
import { until } from '../../support/until.ts'

const children = ['a', 'b', 'c']

describe.each(['process', 'thread'] as const)('groups of real agents: %s', (isolation) => {
  const one = { isolation, hibernateAfter: 0 } as const
  const three = { a: one, b: one, c: one }

  test('rest_for_one: those after the dead one are stopped in reverse and started in order; the one before stays', async () => {
    await using f = await fleet(three, [{ name: 'g', strategy: 'rest_for_one', children }])
    const before = f.agent('a').status().pid
    f.order('incarnation.started')
    await f.murder('b')
    await f.lives('c', 2)
    expect([f.order('incarnation.exited'), f.order('incarnation.started')]).toEqual([
      ['b', 'c'],
      ['b', 'c'],
    ])
    expect(f.agent('a').status()).toMatchObject({ epoch: 1, pid: before })
    expect(f.agent('c').status().lastExit?.cause.kind).toBe('shutdown')
  })

  test('one_for_all: one dies and all begin again, which counts once', async () => {
    await using f = await fleet(three, [{ name: 'g', strategy: 'one_for_all', intensity: 1, children }])
    f.order('incarnation.started')
    await f.murder('b')
    await f.lives('c', 2)
    expect(f.order('incarnation.exited')).toEqual(['b', 'c', 'a'])
    expect(f.order('incarnation.started')).toEqual(['a', 'b', 'c'])
    expect(children.map((name) => f.agent(name).state)).toEqual(['running', 'running', 'running'])
  })

  test('order_of_children: started as listed however they were deployed, stopped in reverse', async () => {
    const f = await fleet({ zoe: one, ann: one, mia: one }, [{ name: 'g', children: ['mia', 'zoe', 'ann'] }])
    f.order('incarnation.exited')
    await f[Symbol.asyncDispose]()
    expect(f.order('incarnation.exited')).toEqual(['ann', 'zoe', 'mia'])
  })

  test('escalation_reaches_root: the group is parked and told, ring 0 and others go on, and a start brings it back', async () => {
    await using f = await fleet({ ...three, alone: one }, [{ name: 'g', intensity: 1, children }])
    await f.murder('b')
    await f.lives('b', 2)
    await f.murder('b')
    await until('the group to be parked', () => children.every((name) => f.agent(name).state === 'failed'))
    const parked = 'group g: more than 1 restarts within 60 s alive'
    expect(f.agent('a').status()).toMatchObject({ parked })
    expect(f.lines).toContain('group g ended: more than 1 restarts within 60 s alive')
    expect(f.reports.at(-1)).toMatchObject({ supervisor: 'g', context: 'shutdown', offender: { id: 'b' } })
    expect(f.agent('alone').status()).toMatchObject({ state: 'running', epoch: 1 })
    expect(f.supervisor.tree()[0]).toMatchObject({ kind: 'group', name: 'g', state: 'ended' })
    await f.agent('b').start()
    await f.lives('b', 3)
    expect(f.agent('a').state).toBe('failed')
    await f.agent('a').start()
    await f.lives('a', 2)
    expect(await f.agent('a').run()).toBe('here')
  })

  test('an inner group that gives up is started again by the group above it', async () => {
    await using f = await fleet(three, [
      { name: 'outer', children: ['a', 'inner'] },
      { name: 'inner', intensity: 0, children: ['b', 'c'] },
    ])
    await f.murder('b')
    await f.lives('c', 2)
    await f.lives('b', 2)
    expect(f.agent('a').status().epoch).toBe(1)
    expect(f.lines).toContain('group outer/inner ended: too many restarts; the group above decides')
  })

  test('auto_shutdown: the end of a child that may end for good ends the group in good order', async () => {
    await using f = await fleet({ a: one, b: { ...one, restartPolicy: 'never' } }, [
      { name: 'g', autoShutdown: 'any_significant', children: ['a', 'b'] },
    ])
    await f.murder('b')
    await until('the group to end', () => f.agent('a').state === 'stopped')
    expect(f.agent('b').status().parked).toBe('restart_policy is never')
  })

  test('stop and start of one child leave the others alone, also while another backs off', async () => {
    await using f = await fleet({ ...three, c: { ...one, restartBackoff: '30s' } }, [{ name: 'g', children }])
    await f.murder('c')
    await until('c to wait', () => f.agent('c').state === 'restarting')
    await f.agent('a').stop()
    expect([f.agent('a').state, f.agent('b').status().epoch, f.agent('c').state]).toEqual(['stopped', 1, 'restarting'])
    await f.agent('a').start()
    await f.agent('c').start()
    await f.lives('a', 2)
    await f.lives('c', 2)
    expect(f.agent('b').status().epoch).toBe(1)
  })
})
