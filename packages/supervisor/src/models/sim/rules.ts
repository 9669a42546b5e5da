import { type ModelRequest, type SimRule, VigilError } from '@vigil/protocol'
import type { FilterScope } from '../../triggers/filter/evaluate.ts'
import { compileSceneFilter } from '../../triggers/filter/filter.ts'
import { sceneOf } from './scene.ts'
import { filled } from './template.ts'

/** What a simulated model answers: a text, calls of tools, or both. */
export interface SimulatedAnswer {
  readonly text: string
  readonly calls: readonly { readonly name: string; readonly input: unknown }[]
}

/** The first rule that fits. @throws SIM_NO_RULE */
export function byRules(rules: readonly SimRule[], request: ModelRequest): SimulatedAnswer {
  const scene = sceneOf(request)
  const rule = rules.find(({ when }) => when === undefined || compileSceneFilter(when)(scene))
  if (rule === undefined)
    throw new VigilError('SIM_NO_RULE', `none of ${rules.length} rules of sim:rules fits; ${said(request)}`)
  return answerOf(rule, scene)
}

/** The entry at this place. @throws SIM_NO_RULE behind the last */
export function byScript(script: readonly SimRule[], place: number, request: ModelRequest): SimulatedAnswer {
  const scene = sceneOf(request)
  const entry = script[place]
  if (entry === undefined)
    throw new VigilError(
      'SIM_NO_RULE',
      `the script of sim:script has ${script.length} entries, and the model is asked once more; ${said(request)}`,
    )
  if (entry.when !== undefined && !compileSceneFilter(entry.when)(scene))
    throw new VigilError(
      'SIM_NO_RULE',
      `entry ${place + 1} of sim:script does not fit (${entry.when}); ${said(request)}`,
    )
  return answerOf(entry, scene)
}

function answerOf({ text = '', tool, input, tools }: SimRule, scene: FilterScope): SimulatedAnswer {
  const calls = tools ?? (tool === undefined ? [] : [{ tool, input }])
  return {
    text: shown(filled(text, scene)),
    calls: calls.map((call) => ({ name: call.tool, input: filled(call.input ?? {}, scene) })),
  }
}

const shown = (text: unknown): string => (typeof text === 'string' ? text : JSON.stringify(text))

function said({ messages }: ModelRequest): string {
  const last = messages.at(-1)
  return `the last message is of role ${last?.role}: ${JSON.stringify(last?.text.slice(0, 500))}`
}
