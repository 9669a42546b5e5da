import { hash } from 'node:crypto'
import {
  type Clock,
  limits,
  type ProcessName,
  type Random,
  type RecordData,
  type RecordDraft,
  VigilError,
} from '@vigil/protocol'
import type { ProcessFold } from '../fold/process-fold.ts'
import type { CallSite } from '../gate/effect.ts'
import { isoOf } from '../gate/effects/messages.ts'
import type { Manifest } from '../manifests/manifest.ts'

/** What is asked, as people see it. */
export type Asked = Pick<RecordData<'request.opened'>, 'call' | 'kind' | 'asked' | 'timeout_ms' | 'on_timeout'>

const defaultTimeoutMs = 3_600_000

/** How long people have and what follows when they do not speak: as the manifest says, where nobody says otherwise. */
export const approvalPolicy = ({ approval }: Pick<Manifest, 'approval'>) => ({
  timeout_ms: approval?.timeoutMs ?? defaultTimeoutMs,
  on_timeout: approval?.onTimeout ?? ('deny' as const),
})

/** What a decision is bound to. */
export const askedHash = (asked: unknown): string => hash('sha256', JSON.stringify(asked))

/** Why this cannot be asked, or not now. */
export function askProblem(process: Pick<ProcessFold, 'name' | 'requests'>, asked: unknown): VigilError | undefined {
  const bytes = Buffer.byteLength(JSON.stringify(asked))
  if (bytes > limits.requestBytes)
    return new VigilError('TOO_LARGE', `expected a request of at most ${limits.requestBytes} bytes, found ${bytes}`)
  if (process.requests.size < limits.openRequests) return undefined
  const message = `"${process.name}" has ${process.requests.size} requests that nobody has decided, and no more are taken`
  return new VigilError('REQUESTS_FULL', message)
}

/** @throws TOO_LARGE · REQUESTS_FULL */
export function openedRecord(
  { clock, random }: { readonly clock: Clock; readonly random: Random },
  { process, turn, key }: CallSite,
  { call, kind, asked, timeout_ms, on_timeout }: Asked,
): RecordDraft {
  const problem = askProblem(process, asked)
  if (problem !== undefined) throw problem
  const id = random.uuid().replaceAll('-', '').slice(0, 12)
  const deadline = isoOf(clock.now() + timeout_ms)
  const data = { id, key, call, kind, asked, input_hash: askedHash(asked), deadline, timeout_ms, on_timeout }
  return { process: process.name as ProcessName, epoch: process.epoch, type: 'request.opened', turn: turn.turn, data }
}
