import { dirname, resolve } from 'node:path'
import type { AgentEvent, AgentRun } from '@vigil/agent'
import { type FaultPoint, faultPoints, parseDuration, type RecordType } from '@vigil/protocol'
import type { SimulatedFileSystem } from '../simulated-file-system.ts'
import { type SimulatedRoute, simulatedHttpClient } from '../simulated-http-client.ts'
import type { ModelScript, ScriptedModel } from '../simulated-language-model.ts'
import type { SimulatedServer } from '../simulated-tool-servers.ts'
import type { Fault, FaultAction } from '../world/faults.ts'
import { type Judgement, judge } from '../world/judge.ts'
import type { WorldAgent } from '../world/lives.ts'
import type { Deed } from '../world/outside.ts'
import { type World, world } from '../world/world.ts'
import { type FakeTools, withFakes } from './fake-tools.ts'
import { type Fire, firing } from './fire.ts'
import { type InlineAgent, loadAgent } from './load.ts'
import { openRequests, type TestRequest } from './requests.ts'

export interface TestAgentOptions {
  /** Chooses every delay and chance; default 1. */
  readonly seed?: number
  /** `'POST https://hooks.example.com/*': 200`; what no route answers is FETCH_FAILED. `network.allow` holds as ever. */
  readonly http?: Readonly<Record<string, SimulatedRoute>>
  /** Instead of tools of the module: by name what they give, or a function of the input. Checks and policy hold as ever. */
  readonly tools?: FakeTools
  /**
   * In the place of its model, whatever the manifest names: `scripted([{ tool: 'add_label', input }, { text: 'done' }])`, or a function of the call.
   * Answers of a script that nobody asked for are an error when the agent ends.
   */
  readonly model?: ModelScript | ScriptedModel
  /** In the place of MCP servers: by the name in the manifest their tools, as functions. What none of them is cannot be reached. */
  readonly servers?: Readonly<Record<string, SimulatedServer>>
  /** What `${VAR}` in the manifest and `context.env` find; default nothing. */
  readonly env?: Readonly<Record<string, string>>
  /** Files that are there from the beginning: path relative to the manifest -> text. */
  readonly files?: Readonly<Record<string, string>>
  /** Who sends messages and publishes in a test; default `peer`. */
  readonly peer?: string
}

/** What befalls the agent, or ring 0, when the nth (default 1) record of a type is durable or a fault point is passed. */
export interface TestFault {
  readonly at: RecordType | FaultPoint
  readonly kind: 'crash' | 'hang' | 'oom' | 'slow' | 'disk_full' | 'http_500' | 'kill' | 'power_cut'
  readonly nth?: number
  /** How much longer each message of a `slow` agent takes; default 1,000. */
  readonly ms?: number
}

/**
 * One agent in a world of its own: no daemon, no thread, no network, and time only as the test gives it. Everything that
 * ring 0 promises holds in it, and is judged when it ends.
 *
 * @example
 * await using t = await testAgent({ name: 'clerk', run: (event) => event.payload }, { seed: 1 })
 * await t.fault({ at: 'turn.started', kind: 'crash' })
 * const turn = await t.fire('manual', { n: 1 })
 * expect(turn).toMatchObject({ status: 'completed', result: { n: 1 } })
 */
export interface TestAgent extends AsyncDisposable {
  readonly name: string
  /** Everything else that can be seen and done. */
  readonly world: World
  /** Requests that reached the outside, oldest first. */
  readonly requested: readonly Deed[]
  /** What the agent asks people for and nobody has decided, oldest first. */
  readonly requests: readonly TestRequest[]
  /**
   * Makes an event and lets time pass until its turn has ended. `cron` waits for the next slot.
   * @throws an Error when it does not come to an end within a virtual day, or nobody listens for it
   */
  readonly fire: Fire
  /** Lets time pass: `'3d'`, or milliseconds. */
  advance(duration: string | number): Promise<void>
  /** Plans a fault; its moment is counted from now. */
  fault(fault: TestFault): Promise<void>
  /** Stops everything and judges it. */
  end(): Promise<Judgement>
  /** Ends it, and throws an Error that names the promises that were broken. */
  [Symbol.asyncDispose](): Promise<void>
}

/** A disk that is dead from the beginning lets nobody start for a minute. */
const startMs = 300_000

/** Opens a manifest (a path from the working directory, or a URL), or an agent that is given in the test. */
export async function testAgent(
  source: string | URL | InlineAgent,
  { seed = 1, http = {}, tools = {}, model, servers = {}, env = {}, files = {}, peer = 'peer' }: TestAgentOptions = {},
  faults: readonly Fault[] = [],
): Promise<TestAgent> {
  const { name, agent, baseDirectory } = await loadAgent(source, env)
  const net = simulatedHttpClient(http)
  const w = world({
    seed,
    env,
    servers,
    faults,
    agents: { [name]: withFakes(model === undefined ? agent : thinkingWith(agent), tools), [peer]: { run: speak } },
    ...(model === undefined ? {} : { model }),
    answers: (request) => net.send(request, new AbortController().signal),
  })
  const put = async (path: string, text: string): Promise<void> => {
    const absolute = resolve(baseDirectory, path)
    await store(w.disk, absolute, text)
    w.files.put(absolute, text)
  }
  for (const [path, text] of Object.entries(files)) await put(path, text)

  let judgement: Promise<Judgement> | undefined
  const end = (): Promise<Judgement> => {
    judgement ??= w
      .stop()
      .then(() => judge(w))
      .finally(() => w.close())
    return judgement
  }
  const t: TestAgent = {
    name,
    world: w,
    requested: w.outside.done,
    get requests() {
      return openRequests(w, name)
    },
    fire: firing({ w, name, peer, env, put }),
    async advance(duration) {
      const ms = typeof duration === 'number' ? duration : parseDuration(duration)
      if (ms === undefined) throw new Error(`expected a duration such as '3d' or milliseconds, found '${duration}'`)
      await w.run(ms)
    },
    async fault({ at, kind, nth = 1, ms = 1_000 }) {
      const when = at in faultPoints ? { at_point: at as FaultPoint, nth } : { after: at as RecordType, nth }
      w.faults.add({ does: actionOf(kind, name, ms), when })
    },
    end,
    async [Symbol.asyncDispose]() {
      const { violations } = await end()
      if (violations.length > 0) throw new Error(`promises were broken (seed ${seed}): ${violations.join('; ')}`)
      const left = model !== undefined && 'left' in model ? model.left : 0
      if (left > 0)
        throw new Error(`the model of "${name}" was asked for all of its script but the last ${left} answers`)
    },
  }
  if (await w.until(() => w.settled, startMs)) return t
  const { violations } = await end()
  throw new Error(`"${name}" did not come to run: ${violations.join('; ')}`)
}

/** The same agent, whose model is one of the provider that every world has. */
function thinkingWith(agent: WorldAgent): WorldAgent {
  const model = 'test:scripted'
  if (!('manifest' in agent)) return { ...agent, model }
  const { thinking = { instructions: '', max_output_tokens: 4_096 } } = agent.manifest
  return { ...agent, manifest: { ...agent.manifest, thinking: { ...thinking, model } } }
}

function actionOf(kind: TestFault['kind'], agent: string, ms: number): FaultAction {
  switch (kind) {
    case 'oom':
      return { kind: 'leak', agent }
    case 'crash':
    case 'hang':
      return { kind, agent }
    case 'slow':
      return { kind, agent, ms }
    case 'power_cut':
      return { kind, kept: 0 }
    default:
      return { kind }
  }
}

/** What the peer does: says what it is told to say. */
const speak: AgentRun = (event: AgentEvent, ctx) => {
  const { to, topic, content } = event.payload as { to?: string; topic?: string; content: unknown }
  if (to === undefined) return ctx.publish(topic ?? '', content)
  return ctx.send(to, content, topic === undefined ? {} : { topic })
}

/** Durable from the beginning: no power cut takes away what the test has put there. */
async function store(disk: SimulatedFileSystem, path: string, text: string): Promise<void> {
  await disk.makeDirectory(dirname(path))
  const handle = await disk.open(path, 'create')
  await handle.truncate(0)
  handle.write(new TextEncoder().encode(text), 0)
  await handle.sync()
  await handle.close()
  for (let folder = dirname(path); folder !== dirname(folder); folder = dirname(folder))
    await disk.syncDirectory(folder)
}
