import { hash } from 'node:crypto'
import { type ModelReply, type ModelRequest, VigilError } from '@vigil/protocol'
import type { EffectFold, TurnFold } from '../fold/process-fold.ts'
import type { CallSite, OutsideEffect } from '../gate/effect.ts'
import { simulatedProvider, simulatedReply } from './simulated.ts'

/** `model.generate`: what it is asked stands in the record already, so its intent holds no more than the hash of it. */
export function generateEffect(): OutsideEffect<'model.generate'> {
  return {
    decide(site, input) {
      const before = site.turn.effects.get(site.key)?.input as { readonly hash?: string } | undefined
      if (before?.hash !== undefined && before.hash !== hashOf(input))
        throw new VigilError('TURN_DIVERGED', `${site.key} was asked for something else before the crash`)
    },
    intent(_site, input) {
      const { model, messages, purpose } = input
      return {
        model,
        hash: hashOf(input),
        messages: messages.length,
        bytes: Buffer.byteLength(JSON.stringify(messages)),
        purpose,
      }
    },
    repeatable: () => true,
    rerun: () => true,
    keyed: () => false,
    act: async (site, input) => generate(site, input),
  }
}

function generate({ turn, key }: CallSite, request: ModelRequest): ModelReply {
  const at = request.model.indexOf(':')
  const provider = request.model.slice(0, at)
  if (provider !== simulatedProvider)
    throw new VigilError('MODEL_NOT_FOUND', `expected provider:model of a known provider, found ${request.model}`)
  const name = request.model.slice(at + 1)
  const rules = turn.thinking?.sim ?? []
  return simulatedReply({ name, rules, place: thoughtsBefore(turn, key), seed: `${turn.turn} ${key}` }, request)
}

/** Summaries are no part of what a script says. */
function thoughtsBefore({ effects }: TurnFold, key: string): number {
  const isThought = (effect: EffectFold): boolean =>
    effect.kind === 'model.generate' && (effect.input as { readonly purpose?: string }).purpose !== 'summary'
  return [...effects.values()].filter((effect) => effect.key !== key && isThought(effect)).length
}

/** Which tools are offered may change from one life to the next; what was said may not. */
const hashOf = ({ model, messages }: ModelRequest): string => hash('sha256', JSON.stringify([model, messages]))
