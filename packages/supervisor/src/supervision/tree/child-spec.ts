import { VigilError } from '@vigil/protocol'

/** How one child is started, ended and brought back. */
export interface ChildSpec {
  /** Unique under its supervisor. */
  readonly id: string
  readonly type: 'worker' | 'supervisor'
  /** Brought back after every end, only after a bad one, or never: then also its specification is forgotten. */
  readonly restart: 'permanent' | 'transient' | 'temporary'
  /** Milliseconds from being asked to end to being killed; `kill` asks nothing. */
  readonly shutdown: number | 'kill' | 'infinity'
  /** Its own end may end the supervisor; see `autoShutdown`. */
  readonly significant: boolean
  /** Before the nth restart in a row without a stable life `baseMs * 2^(n-1)` is waited, at most `maxMs`. Base 0: never. */
  readonly backoff: { readonly baseMs: number; readonly maxMs: number; readonly stableMs: number }
  /** What the driver starts it from; nothing here looks into it. */
  readonly start: unknown
}

export interface SupervisorFlags {
  /** Who is restarted with a child that died: nobody, everybody, or those that were started after it. `simple_one_for_one`: any number of children of one specification. */
  readonly strategy: 'one_for_one' | 'one_for_all' | 'rest_for_one' | 'simple_one_for_one'
  /** Restarts that are allowed within `periodMs`; one more ends the supervisor. */
  readonly intensity: number
  readonly periodMs: number
  /** The supervisor ends by itself when any, or the last, of its significant children has ended by itself. */
  readonly autoShutdown: 'never' | 'any_significant' | 'all_significant'
  /** A child that fails its very first start ends the supervisor, as in OTP, or is started again like one that died later. */
  readonly firstStart: 'must_succeed' | 'is_retried'
}

export type ChildInput = Partial<ChildSpec> & { readonly id: string; readonly start: unknown }
export type FlagsInput = Partial<SupervisorFlags>

const workerShutdownMs = 5_000
const noBackoff: ChildSpec['backoff'] = { baseMs: 0, maxMs: 0, stableMs: 0 }
const defaultFlags: SupervisorFlags = {
  strategy: 'one_for_one',
  intensity: 1,
  periodMs: 5_000,
  autoShutdown: 'never',
  firstStart: 'must_succeed',
}

const allowed = {
  strategy: ['one_for_one', 'one_for_all', 'rest_for_one', 'simple_one_for_one'],
  autoShutdown: ['never', 'any_significant', 'all_significant'],
  firstStart: ['must_succeed', 'is_retried'],
  type: ['worker', 'supervisor'],
  restart: ['permanent', 'transient', 'temporary'],
} as const
const flagNames = new Set(['strategy', 'intensity', 'periodMs', 'autoShutdown', 'firstStart'])
const childNames = new Set(['id', 'type', 'restart', 'shutdown', 'significant', 'backoff', 'start'])

/** Fills in what is missing. @throws INVALID_ARGUMENT for each value that is none of a flag's, and for unknown keys */
export function checkFlags(input: FlagsInput): SupervisorFlags {
  if (!isRecord(input)) refuse('a supervisor', 'flags', input)
  known('a supervisor', input, flagNames)
  const flags = { ...defaultFlags, ...input }
  oneOf('strategy', flags.strategy, allowed.strategy)
  oneOf('autoShutdown', flags.autoShutdown, allowed.autoShutdown)
  oneOf('firstStart', flags.firstStart, allowed.firstStart)
  if (!isCount(flags.intensity)) refuse('intensity', 'a whole number, 0 or more', flags.intensity)
  if (!(isCount(flags.periodMs) && flags.periodMs > 0)) refuse('periodMs', 'a whole number above 0', flags.periodMs)
  if (flags.strategy === 'simple_one_for_one' && flags.autoShutdown !== 'never')
    refuse('autoShutdown', 'never, because the strategy is simple_one_for_one', flags.autoShutdown)
  return flags
}

/** Fills in what is missing. @throws INVALID_ARGUMENT for each value that is none of a key's, and for unknown keys */
export function checkChild(input: ChildInput, { autoShutdown }: Pick<SupervisorFlags, 'autoShutdown'>): ChildSpec {
  if (!isRecord(input)) refuse('a child', 'a specification', input)
  known('a child', input, childNames)
  const { type = 'worker' } = input
  const shutdown = type === 'supervisor' ? 'infinity' : workerShutdownMs
  const child: ChildSpec = {
    type,
    restart: 'permanent',
    shutdown,
    significant: false,
    backoff: noBackoff,
    ...input,
  }
  if (typeof child.id !== 'string' || child.id === '') refuse('id', 'a name', child.id)
  if (child.start === undefined) refuse(`start of ${child.id}`, 'what it is started from', undefined)
  oneOf(`type of ${child.id}`, child.type, allowed.type)
  oneOf(`restart of ${child.id}`, child.restart, allowed.restart)
  if (!isCount(child.shutdown) && child.shutdown !== 'kill' && child.shutdown !== 'infinity')
    refuse(`shutdown of ${child.id}`, 'milliseconds, kill or infinity', child.shutdown)
  for (const key of ['baseMs', 'maxMs', 'stableMs'] as const)
    if (!isCount(child.backoff?.[key])) refuse(`backoff.${key} of ${child.id}`, 'milliseconds', child.backoff?.[key])
  if (typeof child.significant !== 'boolean') refuse(`significant of ${child.id}`, 'true or false', child.significant)
  if (child.significant && child.restart === 'permanent')
    refuse(`significant of ${child.id}`, 'false, because it is permanent and never ends for good', true)
  if (child.significant && autoShutdown === 'never')
    refuse(`significant of ${child.id}`, 'false, because autoShutdown is never', true)
  return child
}

/** All children of one supervisor. @throws INVALID_ARGUMENT also for a name that comes twice */
export function checkChildren(inputs: readonly ChildInput[], flags: SupervisorFlags): ChildSpec[] {
  if (!Array.isArray(inputs)) refuse('children', 'a list of specifications', inputs)
  const children = inputs.map((input) => checkChild(input, flags))
  if (flags.strategy === 'simple_one_for_one' && children.length !== 1)
    refuse('children', 'one specification, because the strategy is simple_one_for_one', children.length)
  const ids = new Set<string>()
  for (const { id } of children) {
    if (ids.has(id)) refuse('id', 'a name of its own', id)
    ids.add(id)
  }
  return children
}

const isRecord = (value: unknown): boolean => typeof value === 'object' && value !== null && !Array.isArray(value)
const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0

function known(what: string, input: object, names: ReadonlySet<string>): void {
  const stranger = Object.keys(input).find((key) => !names.has(key))
  if (stranger !== undefined) refuse(`key of ${what}`, [...names].join(', '), stranger)
}

function oneOf(what: string, value: unknown, values: readonly string[]): void {
  if (!values.includes(value as string)) refuse(what, values.join(', '), value)
}

function refuse(what: string, expected: string, found: unknown): never {
  throw new VigilError('INVALID_ARGUMENT', `${what}: expected ${expected}, found ${shown(found)}`)
}

/** Of anything that somebody may have written: the message must not fail by what it is about. */
function shown(value: unknown): string {
  if (typeof value === 'string') return JSON.stringify(value)
  if (Array.isArray(value)) return 'a list'
  return typeof value === 'object' && value !== null ? 'an object' : String(value)
}
