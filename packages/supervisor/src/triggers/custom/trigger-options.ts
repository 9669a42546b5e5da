import { type ManifestDocument, type ManifestProblem, VigilError } from '@vigil/protocol'
import type { TriggerType, TriggerTypes } from './trigger-type.ts'

/** What an event's type may already mean. */
const taken = ['cron', 'webhook', 'file', 'file_watch', 'event', 'message', 'manual', 'mission', 'question', 'custom']

/** @throws INVALID_ARGUMENT */
export function refuseTakenNames(types: TriggerTypes): void {
  const name = Object.keys(types).find((each) => taken.includes(each))
  if (name !== undefined)
    throw new VigilError('INVALID_ARGUMENT', `triggerTypes: expected a name of your own, found ${name}, which is taken`)
}

type CustomDocument = Extract<ManifestDocument['triggers'][number], { type: 'custom' }>

/** Puts what their types make of the options of custom triggers in the place of what was written. */
export function withOptions(
  manifest: ManifestDocument,
  types: TriggerTypes,
): { readonly manifest: ManifestDocument; readonly problems: readonly ManifestProblem[] } {
  const problems: ManifestProblem[] = []
  const triggers = manifest.triggers.map((trigger, index) => {
    if (trigger.type !== 'custom') return trigger
    const type = Object.hasOwn(types, trigger.kind) ? types[trigger.kind] : undefined
    const read = type === undefined ? unregistered(trigger, types) : optionsOf(type, trigger)
    for (const { path, message } of read.problems)
      problems.push({ code: 'INVALID_CONFIG', path: ['triggers', index, ...path], message })
    return { ...trigger, options: read.options }
  })
  return { manifest: { ...manifest, triggers }, problems }
}

interface Read {
  readonly options: CustomDocument['options']
  readonly problems: readonly { readonly path: readonly (string | number)[]; readonly message: string }[]
}

function unregistered({ kind, options }: CustomDocument, types: TriggerTypes): Read {
  const known = Object.keys(types).join(', ') || 'none'
  return { options, problems: [{ path: ['type'], message: `expected a registered type (${known}), found ${kind}` }] }
}

function optionsOf({ schema }: TriggerType, { options }: CustomDocument): Read {
  if (schema === undefined) return { options, problems: [] }
  const checked = schema['~standard'].validate(options)
  if (checked instanceof Promise)
    return {
      options,
      problems: [{ path: ['type'], message: 'expected a schema that answers at once, found a promise' }],
    }
  if (checked.issues === undefined) return { options: checked.value as CustomDocument['options'], problems: [] }
  const problems = checked.issues.map(({ message, path = [] }) => ({
    path: path.map((part) => nameOf(typeof part === 'object' ? part.key : part)),
    message,
  }))
  return { options, problems }
}

const nameOf = (part: PropertyKey): string | number => (typeof part === 'symbol' ? String(part) : part)
