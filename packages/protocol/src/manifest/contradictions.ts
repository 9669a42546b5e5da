import { type BudgetDocument, type LimitRow, limitRows, limitsOf, ofEscalation } from './budget.ts'
import { ofFiles } from './file-checks.ts'
import { ofNotify } from './notify.ts'
import type { ManifestDocument, TriggerDocument } from './schema.ts'
import { ofServers } from './server.ts'

/** Fields that are right one by one and wrong together. `path` is that of the one to change. */
export interface Contradiction {
  readonly path: readonly (string | number)[]
  readonly expected: string
  readonly found: string
}

export const contradictions = (manifest: ManifestDocument): Contradiction[] => [
  ...ofIsolation(manifest),
  ...ofModule(manifest),
  ...ofSim(manifest),
  ...ofFiles(manifest),
  ...ofSecrets(manifest),
  ...[...ofBudget(manifest.budget), ...ofEscalation(manifest.budget)].map((found) => ({
    ...found,
    path: ['budget', ...found.path],
  })),
  ...ofTools(manifest),
  ...ofMemory(manifest),
  ...ofServers(manifest.servers),
  ...ofNotify(manifest.approval?.notify, ['approval', 'notify']),
  ...manifest.triggers.flatMap((trigger, index) =>
    [...ofTrigger(trigger), ...ofWebhook(trigger, manifest.triggers.slice(0, index))].map((found) => ({
      ...found,
      path: ['triggers', index, ...found.path],
    })),
  ),
]

/** Nobody is asked about what may not be done at all. */
function ofTools({ tools, approval }: ManifestDocument): Contradiction[] {
  const isDenied = (glob: string): boolean => tools[glob]?.allowed === false
  const asking = Object.entries(tools).filter(
    ([glob, { needs_approval: asks = false }]) => isDenied(glob) && asks !== false,
  )
  const listed = [...(approval?.tools ?? []).entries()].filter(([, glob]) => isDenied(glob))
  const expected = 'a tool that is allowed, because nobody is asked about one that is not'
  return [
    ...asking.map(([glob]) => ({ path: ['tools', glob, 'needs_approval'], expected, found: 'allowed: false' })),
    ...listed.map(([index, glob]) => ({ path: ['approval', 'tools', index], expected, found: `${glob}: false` })),
  ]
}

/** Rules and a model that asks for them go together. */
function ofSim({ model = '', sim }: ManifestDocument): Contradiction[] {
  const asks = /^sim[:/](rules|script)$/.test(model)
  if (asks === (sim !== undefined)) return []
  return asks
    ? [{ path: ['sim'], expected: `what ${model} says: a list of entries, or the path of one`, found: 'nothing' }]
    : [{ path: ['sim'], expected: 'model: sim:rules or sim:script beside sim', found: model === '' ? 'none' : model }]
}

/** Without a module it is the model that runs, and nothing of it is code that could use a right. */
function ofModule({ entrypoint, permissions, secrets }: ManifestDocument): Contradiction[] {
  if (entrypoint !== undefined) return []
  const granted = Object.entries(permissions).find(([, value]) => (Array.isArray(value) ? value.length > 0 : value))
  const lent = Object.entries(secrets).filter(([, { lease }]) => lease)
  const expected = 'an entrypoint beside it: only code can use it'
  return [
    ...(granted === undefined ? [] : [{ path: ['permissions', granted[0]], expected, found: 'none' }]),
    ...lent.map(([name]) => ({ path: ['secrets', name, 'lease'], expected, found: 'none' })),
  ]
}

const ofMemory = ({ memory, model }: ManifestDocument): Contradiction[] =>
  memory?.auto_store !== true || model !== undefined
    ? []
    : [{ path: ['memory', 'auto_store'], expected: 'a model beside it, whose results are stored', found: 'none' }]

function ofIsolation({ isolation, permissions }: ManifestDocument): Contradiction[] {
  const granted = Object.entries(permissions).find(([, value]) => (Array.isArray(value) ? value.length > 0 : value))
  if (isolation !== 'thread' || granted === undefined) return []
  const expected = 'auto or process, because permissions are given to a cell and not to one thread in it'
  return [{ path: ['isolation'], expected, found: `thread beside permissions.${granted[0]}` }]
}

/** The threads of a cell share its memory. */
const ofSecrets = ({ isolation, secrets }: ManifestDocument): Contradiction[] =>
  Object.entries(secrets)
    .filter(([, { lease }]) => lease && isolation === 'thread')
    .map(([name]) => ({
      path: ['secrets', name, 'lease'],
      expected: 'isolation: process or auto beside lease: true, because bytes are lent to a cell of its own',
      found: 'isolation: thread',
    }))

const ofSignature = ['scheme', 'secret', 'signature_header', 'signature_prefix', 'signature_encoding'] as const

/** Whoever writes half of a verification believes to have one: each half alone is refused. */
function ofWebhook(trigger: TriggerDocument, before: readonly TriggerDocument[]): Contradiction[] {
  if (trigger.type !== 'webhook') return []
  const given = ofSignature.filter((field) => trigger[field] !== undefined)
  const found: Contradiction[] = []
  const add = (field: string, words: Omit<Contradiction, 'path'>) => found.push({ path: [field], ...words })
  if (trigger.verify_hmac !== true)
    for (const field of given) add(field, { expected: 'verify_hmac: true beside it', found: 'nobody who looks at it' })
  if (trigger.verify_hmac === true && trigger.auth !== undefined)
    add('auth', { expected: 'one of verify_hmac and auth', found: 'both' })
  if (trigger.verify_hmac === true && trigger.scheme !== 'generic')
    for (const field of given.filter((each) => each.startsWith('signature_')))
      add(field, { expected: 'scheme: generic beside it', found: `${trigger.scheme}, which says it itself` })
  const twin = before.find((each) => each.type === 'webhook' && each.webhook_path === trigger.webhook_path)
  if (twin !== undefined)
    add('webhook_path', { expected: 'a path of its own for each webhook of one agent', found: trigger.webhook_path })
  return found
}

function ofTrigger(trigger: TriggerDocument): Contradiction[] {
  if (trigger.type === 'file_watch' || !('debounce' in trigger || 'key' in trigger)) return []
  const found: Contradiction[] = []
  if (trigger.debounce !== undefined && trigger.batch !== undefined) {
    const expected = 'batch or debounce, because one takes all events that come together and the other only the last'
    found.push({ path: ['batch'], expected, found: 'both' })
  }
  if (trigger.key !== undefined && trigger.debounce === undefined)
    found.push({
      path: ['key'],
      expected: 'debounce beside key, which says whose events follow each other',
      found: 'none',
    })
  return found
}

const spans = ['turn', 'hour', 'day', 'month'] as const

/** What is more than a whole longer period has could never be used up, and whoever wrote it thinks that it could. */
function ofBudget(budget: BudgetDocument): Contradiction[] {
  const written = limitRows.filter(({ field }) => budget[field] !== undefined)
  if (budget.unlimited === true)
    return written.map(({ field }) => ({
      path: [field],
      expected: 'no limit beside unlimited',
      found: `${budget[field]}`,
    }))
  const limits = limitsOf(budget)
  const longer = ({ per, kind }: LimitRow): LimitRow[] =>
    limitRows.filter((row) => row.kind === kind && spans.indexOf(row.per) > spans.indexOf(per))
  return written.flatMap((row) => {
    const most = longer(row).find(({ field }) => (limits[field] ?? Infinity) < (budget[row.field] ?? 0))
    if (most === undefined) return []
    const note = budget[most.field] === undefined ? ', its default' : ''
    return [
      {
        path: [row.field],
        expected: `at most ${most.field}: ${limits[most.field]}${note}`,
        found: `${budget[row.field]}`,
      },
    ]
  })
}
