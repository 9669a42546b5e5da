import type { AgentContext, AgentEvent } from '@vigil/agent'
import { type Profile, profile } from './profile.ts'

/** Profiles each file that appears in the inbox and tells the others what it found. */
export default async function run(event: AgentEvent<{ filename: string }>, ctx: AgentContext): Promise<Profile> {
  const { filename } = event.payload
  const text = await ctx.files.read(`inbox/${filename}`)
  const found = profiled(filename, text, ctx)
  await ctx.publish('pipeline.profiled', { file: filename, ...found })
  ctx.log.info(`profiled ${filename}`, { rows: found.rows, anomalies: found.anomalies.length })
  return found
}

function profiled(filename: string, text: string, ctx: AgentContext): Profile {
  try {
    return profile(text)
  } catch (error) {
    // The same bytes fail the same way, so a retry is pointless: the event goes to the dead letters at once.
    return ctx.fail(`${filename} is no CSV: ${(error as Error).message}`, { retry: false, code: 'NOT_CSV' })
  }
}
