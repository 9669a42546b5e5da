import { errorBody } from '@vigil/protocol'
import {
  type ChildInput,
  type ChildSpec,
  checkChildren,
  checkFlags,
  type FlagsInput,
  type SupervisorFlags,
} from './child-spec.ts'
import type { Children } from './children.ts'
import type { Reply } from './protocol.ts'

/** What a supervisor was told to be; it may be told otherwise while it lives. */
export interface Plan {
  readonly flags: SupervisorFlags
  /** The kind of a `simple_one_for_one`; any other strategy has none. */
  readonly template: ChildSpec | undefined
  /** A name for one more of that kind; none is given twice. */
  nextInstance(): string
  /** Whether an instance was ever called so. */
  wasInstance(id: string): boolean
  /** All or nothing. Children that are new are not started, those that are no longer named are not stopped. */
  change(flags?: FlagsInput, children?: readonly ChildInput[]): Reply
}

/** @throws INVALID_ARGUMENT for flags or children that cannot be */
export function newPlan(flagsInput: FlagsInput, inputs: readonly ChildInput[], children: Children): Plan {
  let flags = checkFlags(flagsInput)
  const specs = checkChildren(inputs, flags)
  const isSimple = flags.strategy === 'simple_one_for_one'
  let template = isSimple ? specs[0] : undefined
  let instances = 0
  if (!isSimple) for (const spec of specs) children.add(spec)

  /** Instances that live are of the new kind too; what a temporary one was started from is no longer known. */
  const changeKind = (kind: ChildSpec): void => {
    template = kind
    for (const child of children.inOrder())
      child.spec = child.spec.restart === 'temporary' ? { ...kind, restart: 'temporary' } : kind
  }

  return {
    get flags() {
      return flags
    },
    get template() {
      return template
    },
    nextInstance: () => `${template?.id}#${++instances}`,
    wasInstance(id) {
      const nth = Number(id.slice(id.lastIndexOf('#') + 1))
      return Number.isInteger(nth) && nth >= 1 && nth <= instances && id === `${template?.id}#${nth}`
    },
    change(flagsInput = {}, inputs) {
      try {
        // By themselves first: what is no flags at all must not vanish among those that there are.
        checkFlags(flagsInput)
        const newFlags = checkFlags({ ...flags, ...flagsInput })
        if ((newFlags.strategy === 'simple_one_for_one') !== isSimple)
          return { ok: false, error: 'invalid', message: 'strategy: simple_one_for_one cannot be given or taken live' }
        const specs = inputs === undefined ? [] : checkChildren(inputs, newFlags)
        flags = newFlags
        if (!isSimple) changeChildren(children, specs)
        else if (specs[0] !== undefined) changeKind(specs[0])
        return { ok: true }
      } catch (error) {
        return { ok: false, error: 'invalid', message: errorBody(error).message }
      }
    },
  }
}

function changeChildren(children: Children, specs: readonly ChildSpec[]): void {
  for (const spec of specs) {
    const known = children.get(spec.id)
    if (known === undefined) children.add(spec)
    else known.spec = spec
  }
  children.arrange(specs.map(({ id }) => id))
}
