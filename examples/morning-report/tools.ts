import { type AgentContext, defineTool } from '@vigil/agent'
import { dayBefore, type Findings, late, type Pipeline, reportOf, stale, type Table } from './report.ts'

async function read<T>(ctx: AgentContext, path: string): Promise<T> {
  const reply = await ctx.fetch(`http://${ctx.env['SERVICES'] ?? '127.0.0.1:9311'}${path}`)
  if (!reply.ok) throw new Error(`${path} answered ${reply.status}`)
  return (await reply.json()) as T
}

const nothing = { type: 'object', properties: {} }

const checkPipelines = defineTool({
  name: 'check_pipelines',
  description: 'Pipelines that brought less last night than they should have.',
  readOnly: true,
  parameters: nothing,
  run: async (_: unknown, ctx) => ({ late: late(await read<Pipeline[]>(ctx, '/pipelines')) }),
})

const checkWarehouse = defineTool({
  name: 'check_warehouse',
  description: 'Tables of the warehouse that were not loaded today.',
  readOnly: true,
  parameters: nothing,
  run: async (_: unknown, ctx) => ({ stale: stale(await read<Table[]>(ctx, '/warehouse'), ctx.now()) }),
})

const yesterdaysDeployments = defineTool({
  name: 'yesterdays_deployments',
  description: 'What was deployed yesterday.',
  readOnly: true,
  parameters: nothing,
  async run(_: unknown, ctx) {
    const day = dayBefore(ctx.now())
    return { day, deployments: await read<unknown[]>(ctx, `/deployments?day=${day}`) }
  },
})

const writeReport = defineTool({
  name: 'write_report',
  description: 'Writes the report of this morning.',
  parameters: {
    type: 'object',
    properties: { wrong: { type: 'string' }, cause: { type: 'string' }, next: { type: 'string' } },
    required: ['wrong', 'cause', 'next'],
  },
  async run(findings: Findings, ctx) {
    const day = new Date(ctx.now()).toISOString().slice(0, 10)
    const path = `reports/${day}.md`
    await ctx.files.write(path, reportOf(day, findings))
    return { path }
  },
})

/** Begun at most once: nobody wants to read the same twice. The last part of the URL of a hook is the secret, and the agent never has it. */
const postToSlack = defineTool({
  name: 'post_to_slack',
  description: 'Posts a short text to the channel of the team.',
  once: true,
  parameters: { type: 'object', properties: { text: { type: 'string' } }, required: ['text'] },
  async run({ text }: { readonly text: string }, ctx) {
    const { SERVICES: host = '127.0.0.1:9311', SLACK_HOOK: hook = 'T0/B0' } = ctx.env
    const url = `http://${host}/services/${hook}/${ctx.secret('slack_token')}`
    const reply = await ctx.fetch(url, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ text }),
    })
    if (!reply.ok) throw new Error(`Slack answered ${reply.status}`)
    return 'posted'
  },
})

export default { tools: [checkPipelines, checkWarehouse, yesterdaysDeployments, writeReport, postToSlack] }
