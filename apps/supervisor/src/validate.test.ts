import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { validate } from './validate.ts'

const module = `export default {
  tools: [{ name: 'pay', once: true, cost: 0.5, run: () => 1 }, { name: 'sum', run: () => 2 }],
  run: () => 3,
}`

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'vigil-validate-'))
})
afterEach(() => rm(folder, { recursive: true }))

it('tells the good with their next fires, the bad with their places', async () => {
  await writeFile(join(folder, 'a.ts'), module)
  await writeFile(
    join(folder, 'a.agent'),
    'name: a\nentrypoint: ./a.ts\nlabels: { t: "${GONE}" }\ntools: { "pa*": { cost: 1 }, "send_*": false }\napproval: { tools: [sum, wire] }\ntriggers: [{ cron: "0 12 * * *" }]\n',
  )
  await writeFile(join(folder, 'b.agent'), 'name: b\nentrypoint: ./b.ts\n')
  await writeFile(join(folder, 'vigil.yaml'), 'groups: [{ name: all, strategie: one_for_all }]\n')
  await writeFile(join(folder, 'c.agent'), 'name: c\nentrypoint: ./a.ts\nmemory_mb: 1\n')
  const { lines, exitCode, document } = await validate(
    { paths: [folder], config: undefined },
    {},
    new Date('2026-01-01T00:00:00Z'),
  )
  expect(lines).toEqual([
    `ok a ${folder}/a.agent`,
    '   cron "0 12 * * *" UTC: next 2026-01-01T12:00:00.000Z, 2026-01-02T12:00:00.000Z, 2026-01-03T12:00:00.000Z',
    '   tool pay: once, $1',
    '   tool sum: needs approval',
    `warning ${folder}/a.agent:3:14: expected the variable GONE, found it unset (set it, or write \${GONE:-default})`,
    `warning ${folder}/a.agent: tools.send_*: expected a tool of the module that it matches, found pay, sum`,
    `warning ${folder}/a.agent: approval.tools.1: expected a tool of the module that it matches, found pay, sum`,
    `error ${folder}/c.agent:3:12: expected a whole number, 32 or more, found the number 1`,
    `error ${folder}/vigil.yaml:1:23: expected a known field, found strategie (did you mean strategy?)`,
    `error ${folder}/b.agent: entrypoint: expected a module at ${folder}/b.ts, found nothing`,
  ])
  expect([exitCode, document.ok, document.processes]).toEqual([2, false, ['a']])
  const alone = { paths: [join(folder, 'a.agent')], config: undefined }
  expect((await validate(alone, { GONE: 'x' }, new Date(0))).exitCode).toBe(0)
  expect((await validate({ ...alone, config: join(folder, 'vigil.yaml') }, { GONE: 'x' }, new Date(0))).exitCode).toBe(
    2,
  )
})

it('tells what holds for each tool: of the module and the manifest, the strictest', async () => {
  const tools = `[
    { name: 'pay', irreversible: true, timeoutMs: 90_000, run },
    { name: 'pay_all', once: true, needsApproval: true, run },
    { name: 'debug', cost: 0, run },
    { name: 'look', run },
  ]`
  await writeFile(join(folder, 'a.ts'), `const run = () => 1\nexport default { tools: ${tools}, run }`)
  await writeFile(
    join(folder, 'a.agent'),
    'name: a\nentrypoint: ./a.ts\nbudget: { max_daily_cost: 2 }\ntools:\n  "pay*": { cost: 0.5, needs_approval: input.usd > 5, timeout: 30s }\n  pay: { max_per_turn: 2, needs_approval: input.to == "Bo" }\n  "de*": false\n',
  )
  const { lines } = await validate({ paths: [folder], config: undefined }, {}, new Date(0))
  expect(lines.slice(1)).toEqual([
    '   tool pay: irreversible, needs approval if input.usd > 5 or input.to == "Bo", $0.5, at most 30 s, at most 2 in a turn',
    '   tool pay_all: once, needs approval, $0.5, at most 30 s',
    '   tool debug: denied by tools.de*',
    '   tool look',
    `warning ${folder}/a.agent: tools.look: expected a cost beside a limit in dollars, found none; 0 says that it is free`,
  ])
})

it('knows the defaults of the fleet', async () => {
  await writeFile(join(folder, 'a.ts'), module)
  await writeFile(join(folder, 'a.agent'), 'name: a\nentrypoint: ./a.ts\n')
  await writeFile(join(folder, 'vigil.yaml'), 'defaults: { triggers: [{ cron: "0 12 * * *" }] }\n')
  const { lines } = await validate({ paths: [folder], config: undefined }, {}, new Date('2026-01-01T00:00:00Z'))
  expect(lines[1]).toContain('next 2026-01-01T12:00:00.000Z')
})

it('tells why a module cannot be loaded', async () => {
  await writeFile(join(folder, 'a.ts'), "export default { tools: [{ name: 'pay' }], run: () => 1 }")
  await writeFile(join(folder, 'a.agent'), 'name: a\nentrypoint: ./a.ts\n')
  const { lines, exitCode } = await validate({ paths: [folder], config: undefined }, {}, new Date(0))
  expect([exitCode, lines]).toEqual([
    2,
    [
      `error ${folder}/a.agent: entrypoint: expected a module that can be loaded, found: tool "pay": expected a function run(input, ctx), found undefined`,
    ],
  ])
})

it('tells where servers are, which variables they lack, and takes no policy of theirs for idle', async () => {
  await writeFile(join(folder, 'a.ts'), module)
  await writeFile(
    join(folder, 'a.agent'),
    `name: a
entrypoint: ./a.ts
tools: { "git__*": true, "g*": true, "other__x": true }
servers:
  git: { url: "https://mcp.example.com/mcp", headers: { authorization: "Bearer \${GONE}" }, tools: ["issue_*"] }
  fs: { command: npx, args: [-y, server], env: { KEY: "\${GONE}" } }
`,
  )
  const { lines } = await validate({ paths: [join(folder, 'a.agent')], config: undefined }, {}, new Date(0))
  expect(lines.filter((line) => /server|GONE|other/.test(line))).toEqual([
    '   server git: https://mcp.example.com/mcp, tools issue_*',
    '   server fs: npx -y server, tools all',
    expect.stringContaining('a.agent:5:72: expected the variable GONE, found it unset'),
    expect.stringContaining('a.agent:6:55: expected the variable GONE, found it unset'),
    expect.stringContaining('tools.other__x: expected a tool of the module that it matches'),
  ])
})

it('tells which model each thinks with, and what would keep it from being asked', async () => {
  const put = (name: string, model: string, rest = '') =>
    writeFile(join(folder, `${name}.agent`), `name: ${name}\nmodel: ${model}\n${rest}`)
  await put('a', 'openai/gpt-5-mini')
  await put('b', 'house:large')
  await put('c', 'sim:echo')
  await put('d', 'nobody:x')
  await writeFile(join(folder, 'vigil.yaml'), 'providers: { house: { base_url: "http://10.0.0.5/v1" } }\n')
  const { lines, exitCode } = await validate({ paths: [folder], config: undefined }, {}, new Date(0))
  expect(lines.filter((line) => line.includes('model'))).toEqual([
    '   model openai:gpt-5-mini: $0.25 in, $2 out',
    '   model house:large: nobody knows its price',
    '   model sim:echo: simulated, no model thinks',
    `warning ${folder}/a.agent: model: expected the variable OPENAI_API_KEY, found it unset: the agent waits for it`,
    `warning ${folder}/b.agent: model: expected a price in vigil.yaml beside a limit in dollars, found none: its calls are refused`,
    expect.stringMatching(
      /^error .*d\.agent: model: expected provider:model with a provider of .*house.*, found nobody:x$/,
    ),
  ])
  expect(exitCode).toBe(2)
})
