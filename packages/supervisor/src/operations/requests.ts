import { type Json, type ProcessName, VigilError } from '@vigil/protocol'
import type { ProcessFold, RequestFold } from '../fold/process-fold.ts'
import type { World } from '../fold/world.ts'
import { guestToolsOf } from '../gate/tools/builtins.ts'
import { serverToolsOf } from '../gate/tools/rules.ts'
import { decidedOf } from '../requests/decision.ts'
import { grantRecords } from '../requests/more-budget.ts'
import type { OpenRequest, RequestDecision, RequestsQuery } from '../requests/surface.ts'
import type { RecordLog } from '../runtime/record-log.ts'

/** What waits for people in all processes, oldest first. */
export function listRequests(world: World, { kind, process: name }: RequestsQuery): OpenRequest[] {
  const found = [...world.values()]
    .filter((process) => name === undefined || process.name === name)
    .flatMap((process) => [...process.requests.values()].map((open) => openRequest(process, open)))
    .filter((request) => kind === undefined || request.kind === kind)
  return found.sort((a, b) => (a.at < b.at ? -1 : a.at > b.at ? 1 : 0))
}

const openRequest = (
  { name: process, turns, manifest }: ProcessFold,
  { id, turn, kind, at, asked, deadline, onTimeout, inputHash }: RequestFold,
): OpenRequest => ({
  ...{ id, process, turn, kind, at, asked: asked as Json, deadline, onTimeout, inputHash },
  eventId: turns.get(turn)?.eventId ?? '',
  approvers: manifest.approval?.approvers ?? [],
})

/**
 * Puts a person's word on record; resolves with the name of the process when it is durable. The first one counts.
 * @throws ROLE_DENIED · REQUEST_NOT_FOUND · ALREADY_DECIDED · REQUEST_CLOSED · INVALID_ARGUMENT · ANSWER_INVALID · TOOL_INPUT_INVALID · TOO_LARGE
 */
export async function decideRequest(
  log: RecordLog,
  id: string,
  decision: RequestDecision & { readonly by: string },
): Promise<string> {
  const process = log.world.values().find(({ requests }) => requests.has(id))
  const open = process?.requests.get(id)
  if (process === undefined || open === undefined) {
    // The first decision may be on its way to the disk still, and is told only when it is there.
    await log.settled()
    throw closed(log.world, id)
  }
  const { approval } = process.manifest
  // What the manifest says now: who was made an approver may decide what was asked before.
  if (approval !== undefined && approval.approvers.length > 0 && !approval.approvers.includes(decision.by)) {
    const who = approval.approvers.join(' or ')
    throw new VigilError('ROLE_DENIED', `expected ${who} to decide for "${process.name}", found "${decision.by}"`)
  }
  const data = decidedOf(open, decision, {
    by: decision.by,
    tools: [...guestToolsOf(process), ...serverToolsOf(process)],
  })
  await log.commitDurably([
    { process: process.name as ProcessName, epoch: process.epoch, type: 'request.decided', turn: open.turn, data },
    ...grantRecords(log.world, open, data),
  ])
  return process.name
}

function closed(world: World, id: string): VigilError {
  for (const process of world.values()) {
    const ended = process.endedRequests.find((each) => each.id === id)
    if (ended === undefined) continue
    const { end, by, at, reason } = ended
    const details = {
      process: process.name,
      turn: ended.turn,
      end,
      by,
      at,
      ...(reason === undefined ? {} : { reason }),
    }
    const isOver = end === 'expired' || end === 'withdrawn'
    const why = end === 'withdrawn' ? 'its turn has ended' : `nobody decided it in time (${reason})`
    return isOver
      ? new VigilError('REQUEST_CLOSED', `request ${id} is over since ${at}: ${why}`, { details })
      : new VigilError('ALREADY_DECIDED', `request ${id} was ${end} by ${by} at ${at}`, { details })
  }
  return new VigilError('REQUEST_NOT_FOUND', `there is no request ${id}`)
}
