import { contextPatchSchema, errorCode, type ProcessVerb, type RouteId } from '@vigil/protocol'
import { type Answer, type Call, checked, given, json } from './answer.ts'
import { readJson } from './body.ts'
import { budgetAnswers } from './budget-answers.ts'
import { historyAnswers } from './history-answers.ts'
import { memoryAnswers } from './memory-answers.ts'
import { modelAnswers } from './model-answers.ts'
import { duration, label, wholeNumber } from './query.ts'
import { requestAnswers } from './request-answers.ts'
import { secretAnswers } from './secret-answers.ts'
import { triggerAnswers } from './trigger-answers.ts'
import { turnAnswers } from './turn-answers.ts'
import {
  acceptedView,
  contextView,
  diskView,
  entryView,
  processView,
  runtimeStatusView,
  treeNodeView,
  turnView,
} from './views.ts'

const longestWaitMs = 600_000

export const answers: Readonly<Record<RouteId, Answer>> = {
  ...triggerAnswers,
  ...turnAnswers,
  ...historyAnswers,
  ...requestAnswers,
  ...budgetAnswers,
  ...modelAnswers,
  ...secretAnswers,
  ...memoryAnswers,
  health: () => json(200, { status: 'ok' }),
  ready: ({ s }) => json(s.ready ? 200 : 503, { ready: s.ready, disk: diskView(s) }),
  runtimeStatus: ({ s }) => json(200, runtimeStatusView(s)),
  tree: ({ s }) => json(200, { tree: s.tree().map(treeNodeView) }),
  listProcesses: ({ s, query }) => {
    const wanted = label(query)
    const processes = s
      .list()
      .map((agent) => processView(agent.status()))
      .filter(({ labels }) => wanted === undefined || labels[wanted.key] === wanted.value)
    return json(200, { processes, total: processes.length })
  },
  getProcess: ({ s, part }) => json(200, processView(s.get(part('name')).status())),
  startProcess: control('start'),
  stopProcess: control('stop'),
  restartProcess: control('restart'),
  suspendProcess: control('suspend'),
  pauseProcess: control('suspend'),
  resumeProcess: control('resume'),
  postEvent,
  getJournal: async ({ s, part, query }) => {
    const agent = s.get(part('name'))
    const limit = wholeNumber(query, 'limit', { min: 1, max: 1_000 }) ?? 100
    const place = { min: 0, max: Number.MAX_SAFE_INTEGER }
    const bounds = { before: wholeNumber(query, 'before', place), after: wholeNumber(query, 'after', place) }
    const words = { type: query.get('type') ?? undefined, turn: query.get('turn') ?? undefined }
    const bodies = query.get('bodies') === 'whole' ? 'whole' : 'named'
    const { records, damaged } = await agent.journal({ ...given({ limit, ...bounds, ...words }), bodies })
    const last = records.length < limit ? undefined : records.at(-1)
    const next = last === undefined ? null : String(last.n)
    return json(200, { entries: records.map(entryView), next, ...(damaged.length > 0 ? { damaged } : {}) })
  },
  purgeBodies: async ({ s, part }) => json(200, { removed: await s.get(part('name')).purge() }),
  getContext: async ({ s, part }) => json(200, contextView(await s.get(part('name')).context())),
  patchContext: async ({ s, part, request }) => {
    const agent = s.get(part('name'))
    const { value } = await readJson(request)
    const { state } = checked(contextPatchSchema, value, '{ "state": { key: value } }')
    await agent.patchContext(state)
    return json(200, contextView(await agent.context()))
  },
  getStateHistory: async ({ s, part }) => {
    const key = part('key')
    return json(200, { key, history: await s.get(part('name')).stateHistory(key) })
  },
  publish: async ({ s, part, request }) => {
    const { value } = await readJson(request)
    const { eventId } = await s.publish(part('topic'), value ?? null)
    return json(202, { event_id: eventId })
  },
}

function control(verb: ProcessVerb): Answer {
  return async ({ s, part }) => {
    const agent = s.get(part('name'))
    await agent[verb]()
    return json(200, { name: agent.name, state: agent.state })
  }
}

async function postEvent({ s, part, query, request }: Call): Promise<Response> {
  const agent = s.get(part('name'))
  const wait = duration(query, 'wait', longestWaitMs)
  const { value } = await readJson(request)
  const idempotencyKey = request.headers.get('idempotency-key') ?? undefined
  const accepted = await agent.enqueue(value, given({ idempotencyKey }))
  if (wait === undefined || wait === 0) return json(202, acceptedView(accepted))
  try {
    return json(200, turnView(await agent.result(accepted.eventId, { timeout: wait, signal: request.signal })))
  } catch (error) {
    // The event is accepted whatever becomes of the waiting; a caller who left reads no reply at all.
    if (errorCode(error) === 'WAIT_TIMEOUT' || request.signal.aborted) return json(202, acceptedView(accepted))
    throw error
  }
}
