import { type ErrorBody, errorCode, VigilError } from './errors.ts'
import type { ModelsView } from './models-view.ts'
import { apiBase, type RouteId, routes } from './routes.ts'
import type { BudgetChangeView, SpendView, TurnSpendView } from './spend-views.ts'
import type {
  AcceptedView,
  ContextView,
  DeadLetterView,
  DoubtView,
  EntryView,
  FiredView,
  JournalView,
  MemoryView,
  ProcessListView,
  ProcessView,
  RequestView,
  RevokedSecretView,
  RewindingView,
  RuntimeStatusView,
  SecretView,
  StateHistoryView,
  StateView,
  TreeView,
  TriggerView,
  TurnReplayView,
  TurnSummaryView,
  TurnView,
} from './views.ts'

/**
 * The typed client of the REST face, over any `fetch`. Every refusal arrives as the VigilError that the
 * supervisor meant; a supervisor that does not answer is UNREACHABLE.
 */
export interface ClientOptions {
  /** Such as `http://127.0.0.1:9100`. */
  readonly url: string
  readonly token?: string
  /** Milliseconds that one call may take, above what it asks the supervisor to wait; default 30,000. */
  readonly timeout?: number
  readonly fetch?: typeof fetch
}

export interface JournalQuery {
  /** `whole`: large bodies are in the records, and not only their hashes. */
  readonly bodies?: 'whole'
  readonly limit?: number
  readonly type?: string
  readonly turn?: string
  readonly before?: string
  readonly after?: string
}

export type ProcessVerb = 'start' | 'stop' | 'restart' | 'suspend' | 'resume'

interface Call {
  readonly path?: Readonly<Record<string, string>>
  readonly query?: Readonly<Record<string, string | number | readonly string[] | undefined>>
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: unknown
  readonly extraMs?: number
}

export type Client = ReturnType<typeof createClient>

export function createClient({ url, token, timeout = 30_000, fetch: send = fetch }: ClientOptions) {
  const call = async <View>(
    id: RouteId,
    { path = {}, query = {}, headers = {}, body, extraMs = 0 }: Call = {},
  ): Promise<View> => {
    const route = routes[id]
    const target = new URL(url.replace(/\/+$/, '') + apiBase + fill(route.path, path))
    for (const [key, value] of Object.entries(query))
      for (const each of value === undefined ? [] : [value].flat()) target.searchParams.append(key, String(each))
    const isWritten = headers['content-type'] !== undefined
    const request: RequestInit = {
      method: route.method,
      headers: {
        ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...headers,
      },
      signal: AbortSignal.timeout(timeout + extraMs),
      ...(body === undefined
        ? {}
        : { body: isWritten ? (body as string | Uint8Array<ArrayBuffer>) : JSON.stringify(body) }),
    }
    try {
      const reply = await send(target, request)
      return understand(reply, await reply.text(), url) as View
    } catch (error) {
      if (errorCode(error) !== undefined) throw error
      throw new VigilError('UNREACHABLE', `expected a supervisor at ${url}, found none: ${reason(error)}`, {
        cause: error,
      })
    }
  }

  return {
    health: () => call<{ status: string }>('health'),
    runtimeStatus: () => call<RuntimeStatusView>('runtimeStatus'),
    tree: () => call<TreeView>('tree'),
    processes: (label?: string) => call<ProcessListView>('listProcesses', { query: { label } }),
    process: (name: string) => call<ProcessView>('getProcess', { path: { name } }),
    control: (name: string, verb: ProcessVerb) => call<StateView>(`${verb}Process`, { path: { name } }),
    /** With `waitMs` the turn's end if it came in time, else only that the event was accepted. */
    postEvent: (
      name: string,
      payload: unknown,
      options: { readonly waitMs?: number; readonly idempotencyKey?: string } = {},
    ) =>
      call<AcceptedView | TurnView>('postEvent', {
        path: { name },
        body: payload,
        query: { wait: options.waitMs === undefined ? undefined : `${options.waitMs}ms` },
        headers: options.idempotencyKey === undefined ? {} : { 'idempotency-key': options.idempotencyKey },
        extraMs: options.waitMs ?? 0,
      }),
    turns: (name: string, query: { readonly state?: string; readonly limit?: number } = {}) =>
      call<{ turns: TurnSummaryView[] }>('listTurns', { path: { name }, query: { ...query } }),
    turn: (name: string, turn: string) =>
      call<{ turn: string; entries: EntryView[] }>('getTurn', { path: { name, turn } }),
    cancelTurn: (name: string, turn: string) =>
      call<{ turn: string }>('cancelTurn', { path: { name, turn }, body: {} }),
    replayTurn: (name: string, turn: string) =>
      call<TurnReplayView>('replayTurn', { path: { name, turn }, body: {}, extraMs: 600_000 }),
    /** `to`: the number of a record, a turn, or an ISO time. */
    rewind: (name: string, to: number | string, options: { readonly dryRun?: boolean } = {}) =>
      call<RewindingView>('rewindProcess', { path: { name }, body: { to, dry_run: options.dryRun ?? true } }),
    fork: (name: string, as: string, at?: number | string) =>
      call<StateView>('forkProcess', { path: { name }, body: { name: as, ...(at === undefined ? {} : { at }) } }),
    ...budgetCalls(call),
    ...triggerCalls(call),
    ...secretCalls(call),
    deadLetters: (name: string) => call<{ dead_letters: DeadLetterView[] }>('listDeadLetters', { path: { name } }),
    redeliver: (name: string, eventIds?: readonly string[]) =>
      call<{ event_ids: string[] }>('redeliverDeadLetters', {
        path: { name },
        body: eventIds === undefined ? {} : { event_ids: eventIds },
      }),
    discard: (name: string, eventIds: readonly string[] = []) =>
      call<{ discarded: number }>('discardDeadLetters', { path: { name }, query: { event_id: eventIds } }),
    doubts: () => call<{ doubts: DoubtView[] }>('listDoubts'),
    resolveDoubt: (id: string, decision: { readonly outcome: string; readonly result?: unknown }) =>
      call<{ id: string }>('resolveDoubt', { path: { id }, body: decision }),
    ...requestCalls(call),
    journal: (name: string, query: JournalQuery = {}) =>
      call<JournalView>('getJournal', { path: { name }, query: { ...query } }),
    purge: (name: string) => call<{ removed: number }>('purgeBodies', { path: { name } }),
    context: (name: string) => call<ContextView>('getContext', { path: { name } }),
    patchContext: (name: string, state: Readonly<Record<string, unknown>>) =>
      call<ContextView>('patchContext', { path: { name }, body: { state } }),
    stateHistory: (name: string, key: string) => call<StateHistoryView>('getStateHistory', { path: { name, key } }),
    memory: (name: string, query: { readonly q?: string; readonly limit?: number; readonly cursor?: string } = {}) =>
      call<MemoryView>('getMemory', { path: { name }, query: { ...query } }),
    forgetMemory: (name: string, id: string) => call<{ id: string }>('forgetMemory', { path: { name, id } }),
    publish: (topic: string, data: unknown) => call<{ event_id: string }>('publish', { path: { topic }, body: data }),
  }
}

type Calling = <View>(id: RouteId, call?: Call) => Promise<View>

const requestCalls = (call: Calling) => ({
  /** What waits for people, oldest first. */
  requests: (query: { readonly kind?: string; readonly process?: string } = {}) =>
    call<{ requests: RequestView[] }>('listRequests', { query: { ...query } }),
  decideRequest: (
    id: string,
    word: {
      readonly decision?: 'approve' | 'deny'
      readonly answer?: unknown
      readonly edits?: unknown
      readonly reason?: string
    },
  ) => call<{ id: string }>('decideRequest', { path: { id }, body: word }),
})

const budgetCalls = (call: Calling) => ({
  /** Fields as in a manifest; null: again what the manifest says. */
  changeBudget: (name: string, patch: Readonly<Record<string, unknown>>, ifRevision?: number) =>
    call<BudgetChangeView>('patchBudget', {
      path: { name },
      body: patch,
      headers: ifRevision === undefined ? {} : { 'if-match': String(ifRevision) },
    }),
  grantBudget: (name: string, usd: number) => call<BudgetChangeView>('grantBudget', { path: { name }, body: { usd } }),
  /** Of all agents, or of one. */
  /** `check`: with a look at each provider. */
  models: (check = false) => call<ModelsView>('getModels', check ? { query: { check: 'true' } } : {}),
  spend: (process?: string) => call<SpendView>('getSpend', process === undefined ? {} : { query: { process } }),
  /** Of one turn, open or ended. */
  turnSpend: (process: string, turn: string) => call<TurnSpendView>('getSpend', { query: { process, turn } }),
  confirmClock: () => call<{ confirmed: true }>('confirmClock', { body: {} }),
})

const triggerCalls = (call: Calling) => ({
  triggers: (name: string) => call<{ triggers: TriggerView[] }>('listTriggers', { path: { name } }),
  /** As in a manifest: data, or a text of YAML. */
  addTrigger: (name: string, trigger: object | string) =>
    call<{ trigger_id: string; next_fire?: string }>('addTrigger', {
      path: { name },
      body: trigger,
      ...(typeof trigger === 'string' ? { headers: { 'content-type': 'application/yaml' } } : {}),
    }),
  removeTrigger: (name: string, trigger: string) =>
    call<{ trigger_id: string }>('removeTrigger', { path: { name, trigger_id: trigger } }),
  fireTrigger: (name: string, trigger: string, payload: unknown = null) =>
    call<FiredView>('fireTrigger', { path: { name, trigger_id: trigger }, body: payload }),
})

const secretCalls = (call: Calling) => ({
  /** Never values. */
  secrets: (name: string) => call<{ secrets: SecretView[] }>('listSecrets', { path: { name } }),
  /** `ttl` such as `1h`. */
  setSecret: (name: string, secret: string, bytes: Uint8Array, ttl?: string) =>
    call<SecretView>('setSecret', {
      path: { name, secret },
      query: { ttl },
      headers: { 'content-type': 'application/octet-stream' },
      body: bytes,
    }),
  patchSecret: (name: string, secret: string, given: { readonly value: string; readonly ttl?: string }) =>
    call<SecretView>('patchSecret', { path: { name, secret }, body: given }),
  /** Without `secret` all of them. */
  revokeSecrets: (name: string, secret?: string) =>
    secret === undefined
      ? call<{ revoked: RevokedSecretView[] }>('revokeSecrets', { path: { name } })
      : call<{ revoked: RevokedSecretView[] }>('revokeSecret', { path: { name, secret } }),
  revealSecret: (name: string, secret: string) =>
    call<{ name: string; version: number; value: string }>('revealSecret', { path: { name, secret }, body: {} }),
})

const fill = (path: string, values: Readonly<Record<string, string>>): string =>
  path.replace(/\{(\w+)\}/g, (_, key: string) => encodeURIComponent(values[key] ?? ''))

const reason = (error: unknown): string => {
  const cause = (error as { cause?: unknown }).cause ?? error
  return cause instanceof Error ? cause.message || cause.name : String(cause)
}

function understand(reply: Response, text: string, url: string): unknown {
  let body: unknown
  try {
    body = JSON.parse(text)
  } catch {
    throw new VigilError(
      'UNREACHABLE',
      `expected a supervisor at ${url}, found something else (${reply.status}, no JSON)`,
    )
  }
  if (reply.ok) return body
  const error = (body as { error?: ErrorBody }).error
  const code = errorCode(error) ?? 'INTERNAL'
  throw new VigilError(code, error?.message ?? `the supervisor answered ${reply.status}`, { details: error?.details })
}
