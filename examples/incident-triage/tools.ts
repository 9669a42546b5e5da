import { defineTool } from '@vigil/agent'
import { pageOf, type Report, reportOf, runbooksAbout } from './triage.ts'

const searchRunbooks = defineTool({
  name: 'search_runbooks',
  description: 'Runbooks that have a word in common with what you ask, the best first.',
  readOnly: true,
  parameters: {
    type: 'object',
    properties: { words: { type: 'string', description: 'what the incident is about' } },
    required: ['words'],
  },
  async run({ words }: { readonly words: string }, ctx) {
    const names = (await ctx.files.list('runbooks')).map(({ name }) => name).sort()
    const texts = await Promise.all(
      names.map(async (name) => ({ name, text: await ctx.files.read(`runbooks/${name}`) })),
    )
    return { runbooks: runbooksAbout(words, texts) }
  },
})

const recentDeployments = defineTool({
  name: 'recent_deployments',
  description: 'What was deployed last, the newest first.',
  readOnly: true,
  parameters: { type: 'object', properties: {} },
  async run(_: unknown, ctx) {
    const deployments = JSON.parse(await ctx.files.read('deployments/log.json')) as unknown[]
    return { deployments: deployments.toReversed().slice(0, 5) }
  },
})

/** In the place of a pager: a file for each page. */
const pageOnCall = defineTool({
  name: 'page_on_call',
  description: 'Wakes the person on call of a team. For sev1 only.',
  irreversible: true,
  parameters: {
    type: 'object',
    properties: { team: { type: 'string' }, message: { type: 'string', description: 'one sentence' } },
    required: ['team', 'message'],
  },
  async run(page: { readonly team: string; readonly message: string }, ctx) {
    await ctx.files.write(`pages/${ctx.key}.txt`, pageOf(page))
    return { paged: page.team }
  },
})

const writeReport = defineTool({
  name: 'write_report',
  description: 'Writes the report of an issue, in the place of an older one.',
  parameters: {
    type: 'object',
    properties: {
      issue: { type: 'integer', minimum: 1 },
      title: { type: 'string' },
      severity: { enum: ['sev1', 'sev2', 'none'] },
      cause: { type: 'string' },
      next: { type: 'string' },
    },
    required: ['issue', 'title', 'severity', 'cause', 'next'],
  },
  async run(report: Report, ctx) {
    const path = `reports/issue-${report.issue}.md`
    await ctx.files.write(path, reportOf(report))
    ctx.log.info(`reported issue ${report.issue}`, { severity: report.severity })
    return { path }
  },
})

/** No run(): the model is what runs, and these are its hands. */
export default { tools: [searchRunbooks, recentDeployments, pageOnCall, writeReport] }
