import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type AgentHandle, type SpawnSpec, Supervisor } from '@vigil/supervisor'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { startTime } from '../../packages/isolate/src/host/proc.ts'
import { mcpHttpServer } from '../support/mcp-http.ts'
import { until } from '../support/until.ts'

const entrypoint = new URL('../fixtures/server-tools/agent.ts', import.meta.url)
const byHand = fileURLToPath(new URL('../fixtures/mcp/stdio.ts', import.meta.url))
const everything = createRequire(import.meta.url).resolve('@modelcontextprotocol/server-everything/dist/index.js')
const secret = 'tok-en with "quotes" 0123456789'

let folder: string
let supervisor: Supervisor
let lines: string[]

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'vigil-servers-'))
  lines = []
  supervisor = await Supervisor.start({
    dataDir: join(folder, 'data'),
    env: { TOKEN: secret },
    logger: (line) => lines.push(JSON.stringify(line)),
  })
})
afterEach(async () => {
  await supervisor.stop()
  rmSync(folder, { recursive: true })
})

const agentWith = (spec: Partial<SpawnSpec>): Promise<AgentHandle> =>
  supervisor.spawn({ name: 'a', entrypoint, ...spec })

type Result = Readonly<Record<string, unknown>>
interface Order {
  readonly tool: string
  readonly input?: unknown
}
const ask = async (agent: AgentHandle, ...orders: (Order | Order[])[]): Promise<Result[]> =>
  (await agent.run(orders)) as Result[]

/** Living processes whose command line holds a word. */
function processesOf(word: string): number[] {
  return readdirSync('/proc')
    .map(Number)
    .filter((pid) => Number.isInteger(pid) && startTime(pid) !== undefined)
    .filter((pid) => {
      try {
        return readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(word)
      } catch {
        return false
      }
    })
}

async function freePort(): Promise<number> {
  const server = createServer()
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const { port } = server.address() as { port: number }
  server.close()
  await once(server, 'close')
  return port
}

interface Everything extends AsyncDisposable {
  readonly server: NonNullable<SpawnSpec['servers']>[string]
  kill(): void
  /** It is there again. */
  revive(): Promise<void>
}

/** MCP's own server of everything, at a port of its own. */
async function overHttp(): Promise<Everything> {
  const port = await freePort()
  const begin = async (): Promise<ChildProcess> => {
    const child = spawn(process.execPath, [everything, 'streamableHttp'], {
      env: { PORT: `${port}`, PATH: process.env['PATH'] ?? '' },
      stdio: ['ignore', 'ignore', 'pipe'],
    })
    let said = ''
    child.stderr.on('data', (chunk: Buffer) => {
      said += chunk.toString()
    })
    await until('the server of everything', () => said.includes('listening'))
    return child
  }
  let child = await begin()
  const gone = async (): Promise<void> => {
    const end = child.exitCode === null && child.signalCode === null ? once(child, 'exit') : undefined
    child.kill('SIGKILL')
    await end
  }
  return {
    server: { url: `http://127.0.0.1:${port}/mcp` },
    kill: () => void child.kill('SIGKILL'),
    async revive() {
      await gone()
      child = await begin()
    },
    [Symbol.asyncDispose]: gone,
  }
}

const overStdio = async (): Promise<Everything> => ({
  server: { command: process.execPath, args: [everything, 'stdio'] },
  kill() {
    for (const pid of processesOf(everything)) process.kill(pid, 'SIGKILL')
  },
  async revive() {},
  async [Symbol.asyncDispose]() {},
})

describe.each([
  ['stdio', overStdio],
  ['streamable HTTP', overHttp],
])("MCP's own server of everything over %s", (_, make) => {
  test('is listed, gives what its tools give, and when it dies in the middle of a call the next finds it again', async () => {
    await using everythingServer = await make()
    const agent = await agentWith({ servers: { all: everythingServer.server } })
    const [echo, sum, lasted, weather, image, annotated, wrong, missing] = await ask(
      agent,
      { tool: 'all__echo', input: { message: 'hello' } },
      { tool: 'all__get-sum', input: { a: 2, b: 3 } },
      { tool: 'all__trigger-long-running-operation', input: { duration: 0.4, steps: 4 } },
      { tool: 'all__get-structured-content', input: { location: 'Chicago' } },
      { tool: 'all__get-tiny-image' },
      { tool: 'all__get-annotated-message', input: { messageType: 'error', includeImage: true } },
      { tool: 'all__echo', input: { message: 7 } },
      { tool: 'all__nothing' },
    )
    expect(echo).toEqual({ content: 'Echo: hello' })
    expect(sum?.['content']).toContain('5')
    expect(lasted?.['content']).toContain('Long running operation completed')
    expect(weather?.['structured']).toMatchObject({ conditions: expect.any(String) })
    expect(image?.['other']).toMatchObject([{ type: 'image' }])
    expect(annotated?.['other']).toMatchObject([{ type: 'image' }])
    expect(wrong).toMatchObject({ code: 'TOOL_INPUT_INVALID' })
    expect(missing).toMatchObject({ code: 'TOOL_NOT_FOUND' })
    expect(agent.status().servers).toMatchObject([{ name: 'all', state: 'ready', tools: expect.any(Number) }])

    const long = { tool: 'all__trigger-long-running-operation', input: { duration: 30, steps: 30 } }
    const running = ask(agent, long)
    const intents = async () => (await agent.journal({ limit: 3, type: 'effect.intended' })).records
    await until('the call', async () => JSON.stringify((await intents())[0]).includes('"duration":30'))
    everythingServer.kill()
    const [cut] = await running
    expect(cut).toMatchObject({ code: 'SERVER_FAILED', message: expect.stringContaining('may have been done') })
    await everythingServer.revive()
    expect(await ask(agent, { tool: 'all__echo', input: { message: 'again' } })).toEqual([{ content: 'Echo: again' }])
  })
})

const hand = (...how: string[]) => ({ command: process.execPath, args: ['--no-warnings', byHand, ...how] })

test('a program that is killed in the middle of a call fails that call, and the next finds another', async () => {
  const agent = await agentWith({ servers: { s: hand() } })
  const [first] = await ask(agent, { tool: 's__echo', input: { n: 1 } })
  expect(first).toEqual({ content: '{"n":1}' })
  const running = ask(agent, { tool: 's__waits' }, { tool: 's__echo', input: { n: 2 } })
  await until('the call', () => lines.some((line) => line.includes('it waits')))
  const [pid] = processesOf(byHand)
  process.kill(pid as number, 'SIGKILL')
  const [cut, next] = await running
  expect(cut).toMatchObject({ code: 'SERVER_FAILED', message: expect.stringContaining('may have been done') })
  expect(next).toEqual({ content: '{"n":2}' })
})

test('a program has PATH, an empty HOME, what is named, and nothing else; what it prints goes to the log', async () => {
  const agent = await agentWith({ servers: { s: { ...hand(), env: { TOKEN: '$' + '{TOKEN}', PLAIN: 'x' } } } })
  await ask(agent, { tool: 's__echo' })
  const said = await until('its words', () => lines.find((line) => line.includes('PATH is set')))
  expect(said).toContain('HOME,PATH,PLAIN,TOKEN')
  expect(said).toMatch(/HOME [^ ]*vigil-home-/)
  // What it was given is a secret also in what it says.
  expect(said).not.toContain('0123456789')
})

test('a secret header reaches the server, and stands nowhere', async () => {
  await using server = await mcpHttpServer()
  const headers = { Authorization: 'Bearer $' + '{TOKEN}', 'x-plain': 'seen' }
  const agent = await agentWith({ servers: { s: { url: server.url, headers } } })
  const [back] = await ask(agent, { tool: 's__echo', input: { n: 1 } })
  expect(back).toEqual({ content: '{"n":1}' })
  expect(server.headers.length).toBeGreaterThan(2)
  for (const seen of server.headers)
    expect(seen).toMatchObject({ authorization: `Bearer ${secret}`, 'x-plain': 'seen' })
  await supervisor.stop()
  const written = readdirSync(join(folder, 'data'), { recursive: true, withFileTypes: true })
    .filter((each) => each.isFile())
    .map((each) => readFileSync(join(each.parentPath, each.name), 'latin1'))
    .join('\n')
  expect(written).toContain('server.listed')
  expect(written).not.toContain('0123456789')
  expect(lines.join('\n')).not.toContain('0123456789')
})

test('a server that has forgotten the session is connected to anew, and the call is made', async () => {
  await using server = await mcpHttpServer()
  const agent = await agentWith({ servers: { s: { url: server.url } } })
  await ask(agent, { tool: 's__echo' })
  server.forget()
  expect(await ask(agent, { tool: 's__echo', input: { n: 2 } })).toEqual([{ content: '{"n":2}' }])
})

test('a private address is reached when the URL names it, and a listener of Vigil never', async () => {
  await using server = await mcpHttpServer()
  const named = await agentWith({
    name: 'named',
    servers: { s: { url: server.url.replace('127.0.0.1', 'localhost') } },
  })
  expect(await ask(named, { tool: 's__echo' })).toEqual([{ content: '{}' }])
  const unguard = supervisor.guardPort(server.port)
  const own = await agentWith({ name: 'own', servers: { s: { url: server.url } } })
  const [refused] = await ask(own, { tool: 's__echo' })
  expect(refused).toMatchObject({
    code: 'SERVER_UNAVAILABLE',
    message: expect.stringContaining('call of Vigil to itself'),
  })
  unguard()
})

test('programs that are no servers are given up with the reason, and one that never answers costs a call its own time', async () => {
  const servers = Object.fromEntries(['gone', 'endless', 'mute', 'floods'].map((how) => [how, hand(how)]))
  const agent = await agentWith({ servers, tools: { mute__echo: { timeout: '2s' } } })
  const tools = ['gone__echo', 'endless__echo', 'mute__echo', 'floods__waits']
  const found = await ask(
    agent,
    tools.map((tool) => ({ tool })),
  )
  expect(found).toMatchObject([
    { code: 'SERVER_UNAVAILABLE', message: expect.stringContaining('the configuration is missing') },
    { code: 'SERVER_UNAVAILABLE', message: expect.stringContaining('a line of more than') },
    { code: 'SERVER_UNAVAILABLE' },
    { code: 'SERVER_FAILED', message: expect.stringContaining('that nobody asked for') },
  ])
  const states = agent.status().servers.map(({ name, state }) => `${name} ${state}`)
  expect(states).toEqual(['gone failed', 'endless failed', 'mute connecting', 'floods failed'])
  await agent.stop()
  await until('the end of all', () => processesOf(byHand).length === 0)
})

test('restarts leave no client, child or socket behind, and who does not end when it is asked to is killed', {
  timeout: 600_000,
}, async () => {
  const rounds = process.env['VIGIL_TORTURE'] === '1' ? 100 : 3
  await using server = await mcpHttpServer()
  const agent = await agentWith({ servers: { s: hand(), h: { url: server.url }, k: hand('stubborn') } })
  for (let round = 0; round < rounds; round += 1) {
    const tools = round === 0 ? ['s__echo', 'h__echo', 'k__echo'] : ['s__echo', 'h__echo']
    const found = await ask(
      agent,
      tools.map((tool) => ({ tool })),
    )
    expect(found).toEqual(tools.map(() => ({ content: '{}' })))
    expect(processesOf(byHand)).toHaveLength(tools.length - 1)
    expect(await server.connections()).toBeGreaterThan(0)
    await agent.stop()
    await until('the end of all', async () => processesOf(byHand).length === 0 && (await server.connections()) === 0)
    await agent.start()
  }
})
