import { isPlainObject } from './spelling.ts'

/** What every trigger may have; all else that stands beside a type of somebody's own belongs to that type. */
const common = new Set([
  'enabled',
  'filter',
  'filter_expression',
  'rate_limit',
  'batch',
  'concurrency_key',
  'debounce',
  'key',
])

/** Triggers of registered types in the one form that the schema knows: `{ type: custom, kind, options }`. */
export function customTriggers(
  document: Readonly<Record<string, unknown>>,
  types: ReadonlySet<string>,
): Record<string, unknown> {
  const { triggers } = document
  if (!Array.isArray(triggers)) return { ...document }
  return { ...document, triggers: triggers.map((trigger) => (isCustom(trigger, types) ? gathered(trigger) : trigger)) }
}

const isCustom = (trigger: unknown, types: ReadonlySet<string>): trigger is Record<string, unknown> =>
  isPlainObject(trigger) && typeof trigger.type === 'string' && types.has(trigger.type)

function gathered({ type: kind, ...fields }: Record<string, unknown>): Record<string, unknown> {
  const own = Object.entries(fields).filter(([field]) => !common.has(field))
  const shared = Object.entries(fields).filter(([field]) => common.has(field))
  return { type: 'custom', kind, options: Object.fromEntries(own), ...Object.fromEntries(shared) }
}
