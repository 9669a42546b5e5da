import { VigilError } from '@vigil/protocol'
import { simulatedProvider } from './simulated.ts'

/** A provider that Vigil knows: where it is, and the variable that holds its key. */
export interface KnownProvider {
  readonly baseUrl: string
  /** Without one no key is needed: it runs on a machine of one's own, and costs nothing. */
  readonly keyVariable?: string
  /** Takes the place of `baseUrl`. */
  readonly urlVariable?: string
  /** Only the older of the two names for the cap of output is known there. */
  readonly outputField?: 'max_tokens'
}

/** All speak the interface of OpenAI. */
export const knownProviders: Readonly<Record<string, KnownProvider>> = {
  openai: { baseUrl: 'https://api.openai.com/v1', keyVariable: 'OPENAI_API_KEY', urlVariable: 'OPENAI_BASE_URL' },
  anthropic: { baseUrl: 'https://api.anthropic.com/v1', keyVariable: 'ANTHROPIC_API_KEY', outputField: 'max_tokens' },
  google: { baseUrl: 'https://generativelanguage.googleapis.com/v1beta/openai', keyVariable: 'GEMINI_API_KEY' },
  openrouter: { baseUrl: 'https://openrouter.ai/api/v1', keyVariable: 'OPENROUTER_API_KEY', outputField: 'max_tokens' },
  groq: { baseUrl: 'https://api.groq.com/openai/v1', keyVariable: 'GROQ_API_KEY' },
  mistral: { baseUrl: 'https://api.mistral.ai/v1', keyVariable: 'MISTRAL_API_KEY', outputField: 'max_tokens' },
  deepseek: { baseUrl: 'https://api.deepseek.com/v1', keyVariable: 'DEEPSEEK_API_KEY', outputField: 'max_tokens' },
  xai: { baseUrl: 'https://api.x.ai/v1', keyVariable: 'XAI_API_KEY' },
  together: { baseUrl: 'https://api.together.xyz/v1', keyVariable: 'TOGETHER_API_KEY', outputField: 'max_tokens' },
  ollama: { baseUrl: 'http://127.0.0.1:11434/v1', outputField: 'max_tokens' },
  lmstudio: { baseUrl: 'http://127.0.0.1:1234/v1', outputField: 'max_tokens' },
}

/** A model by its provider and the name that it has there. */
export interface ModelId {
  readonly provider: string
  readonly name: string
}

/**
 * `provider:model` or `provider/model`, split at the first of the two signs whose left part is a provider; `names` are those of the
 * configuration, beside the known ones.
 * @throws MODEL_NOT_FOUND
 */
export function parseModelId(text: string, names: Iterable<string> = []): ModelId {
  const providers = new Set([simulatedProvider, ...Object.keys(knownProviders), ...names])
  for (const { index } of text.matchAll(/[:/]/g)) {
    const [provider, name] = [text.slice(0, index), text.slice(index + 1)]
    if (providers.has(provider) && name !== '') return { provider, name }
  }
  const known = [...providers].sort().join(', ')
  throw new VigilError('MODEL_NOT_FOUND', `expected provider:model with a provider of ${known}, found ${text}`)
}

export const modelIdText = ({ provider, name }: ModelId): string => `${provider}:${name}`
