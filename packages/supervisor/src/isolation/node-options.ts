import { VigilError } from '@vigil/protocol'

/**
 * Options of node that would take a guarantee away from every agent of this supervisor: limits of V8 that override those of
 * threads, and doors through which memory with secrets in it can be read.
 */
const weakening = [
  '--max-old-space-size',
  '--max-old-space-size-percentage',
  '--max-heap-size',
  '--inspect',
  '--inspect-brk',
  '--inspect-port',
  '--inspect-wait',
  '--heapsnapshot-near-heap-limit',
  '--heapsnapshot-signal',
  '--report-on-fatalerror',
  '--report-on-signal',
  '--report-uncaught-exception',
] as const

/** @throws UNSAFE_OPTION naming the first option that weakens a guarantee */
export function refuseWeakeningOptions(execArgv: readonly string[], nodeOptions: string | undefined): void {
  const given = [...execArgv, ...(nodeOptions ?? '').split(/\s+/)]
  const found = given.find((option) => weakening.some((name) => spelled(option) === name))
  if (found === undefined) return
  throw new VigilError(
    'UNSAFE_OPTION',
    `expected no option of node that weakens what agents are promised, found ${found}`,
  )
}

/** Node takes `_` for `-`, and values behind `=`. */
const spelled = (option: string): string => (option.split('=')[0] ?? '').replaceAll('_', '-')
