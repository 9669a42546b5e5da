import type { OfferedTool } from '@vigil/protocol'
import type { ProcessFold } from '../fold/process-fold.ts'
import { guestToolsOf } from '../gate/tools/builtins.ts'
import { serverToolsOf, toolRules } from '../gate/tools/rules.ts'

/** The tools that the model of a process is told of: what policy forbids it need not know. */
export const offeredTools = (process: ProcessFold): OfferedTool[] =>
  [...guestToolsOf(process), ...serverToolsOf(process)]
    .filter(({ name }) => toolRules(process, name)?.deniedBy === undefined)
    .map(({ name, description, parameters, read_only }) => ({
      name,
      ...(description === undefined ? {} : { description }),
      ...(parameters === undefined ? {} : { parameters }),
      ...(read_only === undefined ? {} : { read_only }),
    }))
