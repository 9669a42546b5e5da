import { createHmac } from 'node:crypto'
import { cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { startServices } from '../../examples/morning-report/services.ts'
import { type Daemon, startDaemon } from '../support/daemon.ts'
import { until } from '../support/until.ts'

/** The examples that think, as their pages say to start them, with no key. */
const examples = fileURLToPath(new URL('../../examples', import.meta.url))
const made = new Set(['reports', 'pages', 'articles', 'node_modules'])

let home: string
let daemon: Daemon | undefined
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'vigil-thinking-'))
})
afterEach(async () => {
  daemon?.child.kill('SIGTERM')
  expect(await daemon?.exited).toEqual({ code: 0, signal: null })
  daemon = undefined
  rmSync(home, { recursive: true, force: true })
})

async function start(example: string, env: Record<string, string> = {}): Promise<Daemon> {
  const folder = join(home, example)
  if (!existsSync(folder)) {
    cpSync(join(examples, example), folder, { recursive: true, filter: (path) => !made.has(basename(path)) })
    symlinkSync(join(examples, example, 'node_modules'), join(folder, 'node_modules'))
  }
  daemon = await startDaemon(join(home, 'data'), [folder], { OPENAI_API_KEY: '', ...env })
  return daemon
}
const text = (...path: string[]): string => readFileSync(join(home, ...path), 'utf8')
const written = (...path: string[]) =>
  until(`${path.join('/')} to be there`, () => existsSync(join(home, ...path)) && text(...path))

interface Request {
  readonly id: string
}
async function call(method: string, path: string, body?: unknown): Promise<Record<string, unknown>> {
  if (daemon === undefined) throw new Error('nothing was started')
  const reply = await daemon.call(method, path, body)
  expect(reply.status, `${method} ${path}`).toBeLessThan(300)
  return reply.body
}
const oneRequest = (): Promise<Request> =>
  until('a request', async () => ((await call('GET', '/requests'))['requests'] as Request[])[0])

async function issue(number: number, title: string): Promise<number> {
  const body = JSON.stringify({ action: 'opened', issue: { number, title }, repository: { full_name: 'me/shop' } })
  const signature = createHmac('sha256', 'choose-one').update(body).digest('hex')
  const headers = {
    'content-type': 'application/json',
    'x-hub-signature-256': `sha256=${signature}`,
    'x-github-delivery': `${number}`,
    'x-github-event': 'issues',
  }
  const reply = await fetch(`${daemon?.url}/hooks/incidents`, { method: 'POST', headers, body })
  await reply.arrayBuffer()
  return reply.status
}

// Two starts of a supervisor: on a busy machine more than the usual time.
test('incident-triage: looks, asks before it pages, across a death, and reports', { timeout: 90_000 }, async () => {
  const secret = { GITHUB_WEBHOOK_SECRET: 'choose-one' }
  const { exited } = await start('incident-triage', secret)
  expect(await issue(7, 'Checkout fails for everybody')).toBe(202)
  const { id } = await oneRequest()
  expect(existsSync(join(home, 'incident-triage/pages'))).toBe(false)
  // What listens is a child of what was started.
  process.kill((JSON.parse(text('data/endpoint.json')) as { pid: number }).pid, 'SIGKILL')
  await exited
  await start('incident-triage', secret)
  expect((await oneRequest()).id).toBe(id)
  await call('POST', `/requests/${id}`, { decision: 'approve' })
  const report = await written('incident-triage/reports/issue-7.md')
  expect(report).toContain('# Issue 7: Checkout fails for everybody')
  expect(report).toContain('Likely cause: payments 2.8: a new bank interface')
  expect(report).toContain('deploy rollback payments')
  const [page, ...more] = readdirSync(join(home, 'incident-triage/pages'))
  expect(more).toEqual([])
  expect(text('incident-triage/pages', `${page}`)).toBe(
    'To: shop\nCustomers cannot buy: Checkout fails for everybody (me/shop#7)\n',
  )
  // No thought was had twice.
  await until('the turn to end', async () => {
    const { counters } = (await call('GET', '/processes/incident-triage')) as { counters?: { completed: number } }
    return counters?.completed === 1
  })
  const { entries } = await call('GET', '/processes/incident-triage/journal?limit=100&type=effect.completed')
  const thoughts = (entries as { data: { kind: string; key: string } }[]).filter(
    ({ data }) => data.kind === 'model.generate',
  )
  expect(thoughts.map(({ data }) => data.key)).toHaveLength(4)
})

test('incident-triage: who says no is heard, and what is no incident pages nobody', async () => {
  await start('incident-triage', { GITHUB_WEBHOOK_SECRET: 'choose-one' })
  await issue(8, 'Checkout is slow')
  const { id } = await oneRequest()
  await call('POST', `/requests/${id}`, { decision: 'deny', reason: 'I know' })
  expect(await written('incident-triage/reports/issue-8.md')).toContain('Nobody was paged')
  await issue(9, 'A spelling error')
  expect(await written('incident-triage/reports/issue-9.md')).toContain('Severity: none')
  expect(existsSync(join(home, 'incident-triage/pages'))).toBe(false)
})

test('morning-report: two sources, the deployment behind it, a report and one post', async () => {
  await using services = await startServices()
  await start('morning-report', { SERVICES: services.host, SLACK_HOOK: 'T1/B1', SLACK_TOKEN: 'hidden-token' })
  const { triggers } = await call('GET', '/processes/morning-report/triggers')
  const [trigger] = triggers as { id: string }[]
  await call('POST', `/processes/morning-report/triggers/${trigger?.id}/fire`, null)
  await until('the post', () => services.posts.length > 0)
  const [report] = readdirSync(join(home, 'morning-report/reports'))
  expect(report).toMatch(/^\d{4}-\d\d-\d\d\.md$/)
  expect(text('morning-report/reports', `${report}`)).toContain('Wrong: orders has 412 rows in the place of 9800')
  expect(text('morning-report/reports', `${report}`)).toContain('Ask Ada, and load orders_daily again.')
  expect(services.posts).toEqual([
    {
      path: '/services/T1/B1/hidden-token',
      text: `orders lacks rows since last night. The deployment of checkout may be why: reports/${report}`,
    },
  ])
  // The end of the path is a secret: it stands nowhere.
  const journal = readdirSync(join(home, 'data/journal')).map((name) => text('data/journal', name))
  expect(journal.join('\n')).not.toContain('hidden-token')
})

test('research-desk: a question goes through three agents and a library', async () => {
  await start('research-desk')
  const question = 'How long do swifts stay in the air?'
  await call('POST', '/processes/editor/events', { question })
  const article = await written('research-desk/articles/how-long-do-swifts-stay-in-the-air.md')
  expect(article).toBe(
    `# ${question}\n\nCommon swifts stay in the air for ten months without landing, also to sleep. They come down only to breed.\n\nSource: swifts\n`,
  )
  await until('the editor to note it', async () => {
    const { state } = await call('GET', '/processes/editor/context')
    return (state as Record<string, unknown>)['last_article'] === 'articles/how-long-do-swifts-stay-in-the-air.md'
  })
})
