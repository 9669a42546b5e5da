import type { ExitCause } from '@vigil/protocol'
import type { HubReport } from '../wire/hub-protocol.ts'

/** How a cell ended, as its seats are told. */
export interface CellEnd {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  /** The last the cell wrote to stderr: V8 says there why it aborts. */
  readonly stderrTail: string
  /** What ring 0 killed the cell for. */
  readonly sentence?: ExitCause | undefined
  /** Others sat in it: what it died of cannot be laid on one of them. The text is what is known. */
  readonly shared?: string
}

/** All that is known when a guest is gone. Facts first, then what we did, then what the hub said. */
export interface Evidence extends CellEnd {
  /** What ring 0 killed it for; the truth if there is one. */
  readonly verdict: ExitCause | undefined
  /** The guest was asked to stop. */
  readonly asked: boolean
  readonly ended: Extract<HubReport, { t: 'ended' }> | undefined
  readonly memory: { readonly usedMb: number; readonly limitMb: number }
}

export function exitCause(evidence: Evidence): ExitCause {
  const { verdict, sentence, asked, ended, signal, code, shared } = evidence
  if (verdict !== undefined) return verdict
  if (ended?.error !== undefined) {
    const { message, stack, code: errorCode } = ended.error
    if (errorCode === 'ERR_WORKER_OUT_OF_MEMORY') return outOfMemory(evidence, message)
    return { kind: 'error', message, ...(stack === undefined ? {} : { stack: stack.slice(0, 4_000) }) }
  }
  if (ended !== undefined) return asked ? { kind: 'shutdown' } : { kind: 'exit_code', code: ended.code }
  if (sentence !== undefined && shared === undefined) return sentence
  if (shared !== undefined) return { kind: 'cell_lost', hint: shared, collateral: true }
  if (/out of memory|heap limit/i.test(evidence.stderrTail)) return outOfMemory(evidence, lastLine(evidence.stderrTail))
  if (signal !== null) return asked ? { kind: 'shutdown' } : { kind: 'signal', signal, ...hint(evidence.stderrTail) }
  return {
    kind: 'cell_lost',
    hint: `the cell ended with exit code ${code}${evidence.stderrTail === '' ? '' : `: ${lastLine(evidence.stderrTail)}`}`,
  }
}

const outOfMemory = ({ memory }: Evidence, hintText: string): ExitCause => ({
  kind: 'memory',
  used_mb: memory.usedMb,
  limit_mb: memory.limitMb,
  hint: hintText.slice(0, 500),
})

const hint = (tail: string): { hint?: string } => (tail === '' ? {} : { hint: lastLine(tail) })

export function lastLine(text: string): string {
  const fatal = text.split('\n').find((line) => /FATAL|error/i.test(line))
  return (fatal ?? text.trim().split('\n').at(-1) ?? '').slice(0, 500)
}
