import { once } from 'node:events'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { runCommand } from '../../apps/cli/src/program.ts'
import { type Daemon, startDaemon } from '../support/daemon.ts'

const key = 'a1'.repeat(32)
const value = 'hunter2-hunter2-hunter2'
const code = `export default async (event, ctx) => {
  if (event.payload === 'env') return { env: ctx.env, key: String(ctx.env.VIGIL_KEY), all: JSON.stringify(process.env) }
  const reply = await ctx.fetch(event.payload, { headers: { key: String(ctx.secret('api')) } })
  return reply.status
}`

test('a secret that was set by the command line is there after a SIGKILL, and no agent gets the key that it is sealed with', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'vigil-sealed-'))
  const data = join(folder, 'data')
  const seen: unknown[] = []
  const server = createServer((request, response) => {
    seen.push(request.headers['key'])
    response.end()
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const host = `127.0.0.1:${(server.address() as AddressInfo).port}`
  writeFileSync(join(folder, 'a.ts'), code)
  writeFileSync(
    join(folder, 'a.agent'),
    `name: a\nentrypoint: ./a.ts\nnetwork: { allow: ["${host}"] }\nlabels: { key: "\${VIGIL_KEY:-none}" }\ncontext: { env: [VIGIL_KEY] }\n`,
  )
  const start = () => startDaemon(data, [join(folder, 'a.agent')], { VIGIL_KEY: key })
  const vigil = async ({ url }: Daemon, ...argv: string[]): Promise<string> => {
    const lines: string[] = []
    const face = {
      ...{ env: { VIGIL_DATA: data }, cwd: folder, signal: AbortSignal.timeout(20_000) },
      read: (path: string) => readFileSync(path, 'utf8'),
      stdin: async () => `${value}\n`,
      print: (line: string) => void lines.push(line),
    }
    await runCommand(['--url', url, ...argv], face)
    return lines.join('\n')
  }
  const run = async ({ call }: Daemon, payload: string): Promise<unknown> =>
    (await call('POST', '/processes/a/events?wait=20s', payload)).body['result']
  let daemon = await start()
  try {
    expect(await vigil(daemon, 'secrets', 'set', 'a', 'api')).toBe('api of a is set, version 1, sealed on the disk')
    expect(await run(daemon, `http://${host}/`)).toBe(200)
    const said = JSON.stringify(await run(daemon, 'env'))
    daemon.child.kill('SIGKILL')
    await daemon.exited
    const files = readdirSync(data, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile())
    const written = files.map(({ parentPath, name }) => readFileSync(join(parentPath, name), 'latin1')).join('\n')
    daemon = await start()
    expect(await run(daemon, `http://${host}/`)).toBe(200)
    expect(seen).toEqual([value, value])
    const listed = await vigil(daemon, 'secrets', 'ls', 'a')
    expect(listed).toMatch(/^api +set +1 +sealed/m)
    for (const text of [said, written, listed, daemon.output()]) {
      expect(text).not.toContain(key)
      expect(text).not.toContain(value)
    }
  } finally {
    daemon.child.kill('SIGKILL')
    await daemon.exited
    server.closeAllConnections()
    server.close()
    rmSync(folder, { recursive: true })
  }
})
