import type { OfferedTool } from '@vigil/protocol'
import type { ProcessFold } from '../fold/process-fold.ts'
import { toolRules } from '../gate/tools/rules.ts'

/** The tools that the model of a process is told of: what policy forbids it need not know. */
export const offeredTools = (process: ProcessFold): OfferedTool[] =>
  process.tools
    .filter(({ name }) => toolRules(process, name)?.deniedBy === undefined)
    .map(({ name, description, parameters }) => ({
      name,
      ...(description === undefined ? {} : { description }),
      ...(parameters === undefined ? {} : { parameters }),
    }))
