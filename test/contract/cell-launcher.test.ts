import type { Bundle, CellLauncher, ExitCause, Guest, GuestSpec } from '@vigil/protocol'
import { type SimulatedBoot, type SimulatedPort, simulatedCellLauncher } from '@vigil/testkit'
import { describe, expect, test } from 'vitest'
import { bundleOf } from '../../packages/isolate/fixtures/bundle.ts'
import { launcher, realClock, runtime } from '../../packages/isolate/fixtures/launch.ts'

/** In the simulated cell the agent's text runs as a function of this process. */
const inProcess = (boot: SimulatedBoot, port: SimulatedPort): void => {
  const module = { exports: (_port: SimulatedPort, _boot: SimulatedBoot): void => undefined }
  new Function('module', boot.module.code)(module)
  module.exports(port, boot)
}

describe.each<[string, () => CellLauncher]>([
  ['real cells', () => launcher()],
  ['simulated cells', () => simulatedCellLauncher({ clock: realClock, program: inProcess })],
])('CellLauncher: %s', (_name, create) => {
  /** Launches an agent and gives its story as a list that can be waited for. */
  const live = (agent: string, over: Partial<GuestSpec> = {}) => {
    const story: string[] = []
    let wake: () => void = () => undefined
    const tell = (line: string): void => {
      story.push(line)
      wake()
    }
    const module: Bundle = bundleOf(`module.exports = (port, boot) => {${agent}\n}`)
    const spec: GuestSpec = {
      process: 'alpha',
      epoch: 7,
      runtime,
      module,
      memoryMb: 256,
      heartbeatTimeoutMs: 60_000,
      startTimeoutMs: 20_000,
      env: { TZ: 'UTC' },
      ...over,
    }
    const cells = create()
    const guest: Guest = cells.launch(spec, {
      started: ({ pid, idleRssBytes }) => tell(pid > 0 && idleRssBytes > 0 ? 'started' : 'started without facts'),
      message: (text) => tell(text),
      exited: (cause: ExitCause) => tell(`exited ${cause.kind}`),
    })
    const until = async (line: string): Promise<string[]> => {
      while (!story.includes(line)) {
        await new Promise<void>((resolve) => {
          wake = resolve
        })
      }
      return story
    }
    return { cells, guest, story, until }
  }

  test('started comes first, then messages in order, exited last and once', async () => {
    const { guest, until, story } = live(
      'for (let k = 0; k < 50; k += 1) port.post(`m${k}`); port.listen(() => port.post("heard"))',
    )
    guest.post('early')
    await until('heard')
    guest.kill({ kind: 'shutdown' })
    guest.kill({ kind: 'signal', signal: 'SIGKILL' })
    await until('exited shutdown')
    guest.post('late')
    guest.stop(0)
    expect(story).toEqual(['started', ...Array.from({ length: 50 }, (_, k) => `m${k}`), 'heard', 'exited shutdown'])
  })

  test('a guest is told who it is', async () => {
    const { guest, until } = live('port.post(JSON.stringify([boot.process, boot.epoch, boot.env.TZ]))')
    await until('["alpha",7,"UTC"]')
    guest.kill({ kind: 'shutdown' })
    await until('exited shutdown')
  })

  test('bytes that are lent lie with the guest until it gives them back or they are taken back', async () => {
    const { guest, until } = live(
      `const held = {}
      port.lent((id, bytes) => {
        held[id] = bytes
        port.post('lent ' + bytes.join())
      })
      port.listen((text) => {
        if (text === 'give back') port.giveBack(2)
        if (text === 'give back') port.post('gave')
        else port.post(text + ': ' + Object.values(held).map((bytes) => bytes.join()).join(' '))
      })
      port.post('in')`,
      { lends: true },
    )
    await until('in')
    const bytes = Uint8Array.of(1, 2, 3)
    guest.lend(1, bytes)
    guest.lend(2, Uint8Array.of(4, 5))
    bytes.fill(9)
    await until('lent 1,2,3')
    await until('lent 4,5')
    guest.takeBack(1)
    guest.post('taken')
    await until('taken: 0,0,0 4,5')
    guest.post('give back')
    await until('gave')
    guest.post('given')
    await until('given: 0,0,0 0,0')
    guest.kill({ kind: 'shutdown' })
    await until('exited shutdown')
  })

  test('an asked guest that closes has shut down; one that closes unasked has exited', async () => {
    const asked = live('port.asked(() => port.close()); port.post("in")')
    await asked.until('in')
    asked.guest.stop(10_000)
    expect(await asked.until('exited shutdown')).toHaveLength(3)
    const unasked = live('port.post("in"); port.close()')
    expect(await unasked.until('exited exit_code')).toContain('in')
  })

  test('a guest that ignores being asked is ended', async () => {
    const { guest, until } = live('port.asked(() => {}); port.post("in")')
    await until('in')
    guest.stop(20)
    await until('exited shutdown')
  })

  test('a throw in the program is an error', async () => {
    await live('throw new Error("boom")').until('exited error')
  })

  test('closing the launcher ends every guest', async () => {
    const { cells, until } = live('port.post("in")')
    await until('in')
    await cells.close()
    await until('exited shutdown')
  })
})
