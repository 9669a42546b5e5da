/**
 * The route table: what the REST face serves under its base, as data. The face registers exactly these, the
 * client names them by id, and docs/rest.md lists them.
 */
export interface Route {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
  /** Below the base; `{name}` is a process. */
  readonly path: string
  /** Answers without a token. */
  readonly public?: true
  /** The least that a caller must be; default reader for GET, else operator. */
  readonly role?: Role
  readonly doc: string
}

/** What a token is good for: to look, to act, and to change what cannot be given back. */
export const roles = ['reader', 'operator', 'admin'] as const
export type Role = (typeof roles)[number]

export const roleFor = ({ method, role }: Route): Role => role ?? (method === 'GET' ? 'reader' : 'operator')

export const apiBase = '/api/v1'

export const routes = {
  health: { method: 'GET', path: '/health', public: true, doc: 'The listener is alive.' },
  ready: { method: 'GET', path: '/ready', doc: '200 when new work is taken, else 503.' },
  runtimeStatus: {
    method: 'GET',
    path: '/runtime/status',
    doc: 'Processes by state, data directory, what recovery found.',
  },
  tree: { method: 'GET', path: '/tree', doc: 'Groups with what stands under them, and agents that stand alone.' },
  listProcesses: { method: 'GET', path: '/processes', doc: 'All processes; `?label=key=value` selects.' },
  getProcess: { method: 'GET', path: '/processes/{name}', doc: 'One process.' },
  startProcess: { method: 'POST', path: '/processes/{name}/start', doc: 'Starts a stopped or failed process.' },
  stopProcess: { method: 'POST', path: '/processes/{name}/stop', doc: 'Drains, then stops.' },
  restartProcess: { method: 'POST', path: '/processes/{name}/restart', doc: 'Stops and starts.' },
  suspendProcess: { method: 'POST', path: '/processes/{name}/suspend', doc: 'Keeps accepting events, runs none.' },
  pauseProcess: { method: 'POST', path: '/processes/{name}/pause', doc: 'The same as suspend.' },
  resumeProcess: { method: 'POST', path: '/processes/{name}/resume', doc: 'Runs what waits.' },
  postEvent: {
    method: 'POST',
    path: '/processes/{name}/events',
    doc: 'The body is the payload of a manual event. `Idempotency-Key` makes a repetition harmless; `?wait=30s` waits for the turn.',
  },
  listTurns: {
    method: 'GET',
    path: '/processes/{name}/turns',
    doc: 'Open turns and waiting events, then those that ended, newest first: `?state&limit`.',
  },
  getTurn: { method: 'GET', path: '/processes/{name}/turns/{turn}', doc: 'What happened in one turn, oldest first.' },
  cancelTurn: {
    method: 'POST',
    path: '/processes/{name}/turns/{turn}/cancel',
    doc: 'Ends a turn, or an event whose turn has not begun; what its effects did stays done.',
  },
  replayTurn: {
    method: 'POST',
    path: '/processes/{name}/turns/{turn}/replay',
    doc: 'Runs an ended turn again with the code of today against its recorded outcomes; nothing is done.',
  },
  rewindProcess: {
    method: 'POST',
    path: '/processes/{name}/rewind',
    doc: 'Brings the state back to `{to: n | turn | time}`; only tells what would change unless `dry_run` is false.',
  },
  forkProcess: {
    method: 'POST',
    path: '/processes/{name}/fork',
    doc: 'A new process `{name, at}` with the state of then; it starts stopped.',
  },
  patchBudget: {
    method: 'PATCH',
    path: '/processes/{name}/budget',
    doc: 'Lays limits over those of the manifest, at once; `null` takes one away again. With `If-Match: REVISION` only if nobody was quicker.',
  },
  grantBudget: {
    method: 'POST',
    path: '/processes/{name}/budget/grants',
    doc: '`{usd}` more for the hour, day and month that are now.',
  },
  getModels: {
    method: 'GET',
    path: '/models',
    doc: 'Models that manifests name, with prices and what keeps them from being asked; `?check=true` asks each provider.',
  },
  getSpend: {
    method: 'GET',
    path: '/spend',
    doc: 'What every agent has spent and reserved, its ended days and open turns; `?process` of one, `?turn` of one turn of it.',
  },
  confirmClock: {
    method: 'POST',
    path: '/runtime/confirm-clock',
    doc: 'The clock that leapt by more than a day is right: budgets go on to the period that is now.',
  },
  listTriggers: {
    method: 'GET',
    path: '/processes/{name}/triggers',
    doc: 'What wakes it: triggers of its manifest and those that were added.',
  },
  addTrigger: {
    method: 'POST',
    path: '/processes/{name}/triggers',
    doc: 'One more trigger, as in a manifest, with absolute paths; it listens at once. Also application/yaml.',
  },
  removeTrigger: {
    method: 'DELETE',
    path: '/processes/{name}/triggers/{trigger_id}',
    doc: 'Takes away one that was added, turns off one of the manifest.',
  },
  fireTrigger: {
    method: 'POST',
    path: '/processes/{name}/triggers/{trigger_id}/fire',
    doc: "The body is the payload of an event of the trigger's type.",
  },
  listSecrets: {
    method: 'GET',
    path: '/processes/{name}/secrets',
    doc: 'Names of secrets, where they lie, versions and last uses; never values.',
  },
  setSecret: {
    method: 'PUT',
    path: '/processes/{name}/secrets/{secret}',
    doc: 'The body, application/octet-stream, is a new version of the secret; `?ttl=1h`.',
  },
  patchSecret: {
    method: 'PATCH',
    path: '/processes/{name}/secrets/{secret}',
    doc: 'The same as `{value, ttl}` of a secret that is there.',
  },
  revokeSecret: {
    method: 'DELETE',
    path: '/processes/{name}/secrets/{secret}',
    doc: 'Nobody may use it any more, wherever it lies.',
  },
  revokeSecrets: { method: 'DELETE', path: '/processes/{name}/secrets', doc: 'The same for all of them.' },
  revealSecret: {
    method: 'POST',
    path: '/processes/{name}/secrets/{secret}/reveal',
    role: 'admin',
    doc: 'The value of a secret that Vigil made itself; goes on record.',
  },
  listDeadLetters: { method: 'GET', path: '/processes/{name}/dead-letters', doc: 'Events whose turns ended badly.' },
  redeliverDeadLetters: {
    method: 'POST',
    path: '/processes/{name}/dead-letters/redeliver',
    doc: 'Puts those of `{event_ids}`, or all, into the mailbox again, each as a new event.',
  },
  discardDeadLetters: {
    method: 'DELETE',
    path: '/processes/{name}/dead-letters',
    doc: 'Forgets those of `?event_id=` (any number), or all.',
  },
  listDoubts: { method: 'GET', path: '/doubts', doc: 'Effects that may or may not have happened.' },
  resolveDoubt: {
    method: 'POST',
    path: '/doubts/{id}',
    doc: '`{outcome: done, result}`, `{outcome: not_done}` or `{outcome: retry}`: the turn goes on.',
  },
  listRequests: {
    method: 'GET',
    path: '/requests',
    doc: 'What turns ask people for: `?kind=approval|question|budget`, `?process=`.',
  },
  listApprovals: { method: 'GET', path: '/approvals', doc: 'The same as requests.' },
  decideRequest: {
    method: 'POST',
    path: '/requests/{id}',
    doc: '`{decision: approve | deny, edits, reason}` or `{answer, reason}`: the first word counts, and the turn goes on.',
  },
  decideApproval: { method: 'POST', path: '/approvals/{id}', doc: 'The same as requests.' },
  purgeBodies: {
    method: 'POST',
    path: '/processes/{name}/purge',
    role: 'admin',
    doc: 'Takes away the large bodies that no event, open turn or dead letter needs.',
  },
  getJournal: {
    method: 'GET',
    path: '/processes/{name}/journal',
    doc: 'Records, newest first: `?limit&type&turn&before&after`; `next` is the `before` of the next page.',
  },
  getContext: { method: 'GET', path: '/processes/{name}/context', doc: 'Committed state.' },
  patchContext: {
    method: 'PATCH',
    path: '/processes/{name}/context',
    doc: 'Sets the keys of `{state: {…}}` in one commit.',
  },
  getStateHistory: {
    method: 'GET',
    path: '/processes/{name}/state/{key}/history',
    doc: 'What was committed under a state key, oldest first.',
  },
  getMemory: {
    method: 'GET',
    path: '/processes/{name}/memory',
    doc: 'What it remembers: the best for the keywords of `?q`, else the newest first; `?limit&cursor`.',
  },
  forgetMemory: {
    method: 'DELETE',
    path: '/processes/{name}/memory/{id}',
    doc: 'Nobody remembers that entry any more.',
  },
  publish: { method: 'POST', path: '/bus/{topic}', doc: 'Publishes the body on the bus.' },
} as const satisfies Record<string, Route>

export type RouteId = keyof typeof routes
