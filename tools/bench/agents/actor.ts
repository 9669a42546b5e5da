import { pbkdf2Sync } from 'node:crypto'
import type { AgentEvent } from '@vigil/agent'

const acts: Readonly<Record<string, () => unknown>> = {
  /** Is gone a moment after it said so. */
  leave: () => setTimeout(() => process.exit(3), 5) && undefined,
  hog: () => Buffer.alloc(1_000_000_000, 1).length,
  /** Native code that cannot be interrupted. */
  block: () => pbkdf2Sync('password', 'salt', 2_000_000_000, 64, 'sha512'),
}

/** Says that it is there, or does the harm that it is told to. */
export default function run(event: AgentEvent): unknown {
  return acts[(event.payload as { act?: string } | null)?.act ?? '']?.() ?? 'here'
}
