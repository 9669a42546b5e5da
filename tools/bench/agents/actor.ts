import type { AgentEvent } from '@vigil/agent'

/** Says that it is there, or is gone a moment after it said so. */
export default function run(event: AgentEvent): string {
  if ((event.payload as { act?: string } | null)?.act === 'leave') setTimeout(() => process.exit(3), 5)
  return 'here'
}
