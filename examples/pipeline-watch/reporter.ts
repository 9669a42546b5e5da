import type { AgentContext, AgentEvent } from '@vigil/agent'
import { emptyReport, type FileRow, markdown, type Report, withRow, withSilence } from './report.ts'

interface BusPayload {
  readonly event_type: string
  readonly data: unknown
}

/** Keeps the report in its state and writes the whole of it after each event, so the file can always be made again. */
export default async function run(event: AgentEvent<BusPayload>, ctx: AgentContext): Promise<unknown> {
  const report = extended(ctx.state.get<Report>('report', emptyReport), event.payload)
  ctx.state.set('report', report)
  await ctx.files.write('reports/report.md', markdown(report))
  return { files: report.rows.length, silences: report.silences.length }
}

function extended(report: Report, { event_type, data }: BusPayload): Report {
  switch (event_type) {
    case 'pipeline.profiled':
      return withRow(report, data as FileRow)
    case 'pipeline.silent':
      return withSilence(report, (data as { since: string }).since)
    default:
      return report
  }
}
