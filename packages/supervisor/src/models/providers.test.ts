import { describe, expect, test } from 'vitest'
import { parseConfiguration } from '../manifests/configuration.ts'
import { priceFor, providerSettings } from './provider-settings.ts'
import { parseModelId } from './providers.ts'

describe('a model id', () => {
  test.each([
    ['openai:gpt-5-mini', 'openai', 'gpt-5-mini'],
    ['openai/gpt-5-mini', 'openai', 'gpt-5-mini'],
    ['openrouter/openai/gpt-5', 'openrouter', 'openai/gpt-5'],
    ['openrouter:openai/gpt-5:free', 'openrouter', 'openai/gpt-5:free'],
    ['ollama/llama3.2:3b', 'ollama', 'llama3.2:3b'],
    ['ollama:llama3.2:3b', 'ollama', 'llama3.2:3b'],
    ['mine:a/b', 'mine', 'a/b'],
    ['sim:echo', 'sim', 'echo'],
  ])('%s is %s and %s', (text, provider, name) => {
    expect(parseModelId(text, ['mine'])).toEqual({ provider, name })
  })

  test.each(['gpt-5-mini', 'nobody:gpt-5', 'openai:', 'openai', ':x', ''])(
    '%s names no provider that is known',
    (text) => {
      expect(() => parseModelId(text)).toThrow(/expected provider:model with a provider of anthropic, deepseek, google/)
    },
  )
})

const file = '/etc/vigil/vigil.yaml'
const read = (text: string) => parseConfiguration(text, { file, env: {} })

describe('providers of vigil.yaml', () => {
  test('lay over what is known, and keys stay references', () => {
    const { value, problems, warnings } = read(`
providers:
  openai:
    base_url: https://proxy.example.com/v1/
    api_key: "\${MY_KEY}"
    prices: { "gpt-5-mini": { input: 0.25, output: 2.0, cache_read: 0.025 } }
    timeout: 2m
    idle_timeout: 30s
    rate_limit: 60/1m
    max_retries: 1
    concurrency: 8
  house: { base_url: http://10.0.0.5:8000/v1, api_key: { file: ./key }, prices: free }
`)
    expect([problems, warnings]).toEqual([[], []])
    const settings = providerSettings(value?.providers ?? {}, { OPENAI_BASE_URL: 'https://ignored.example.com' })
    expect(settings.get('openai')).toMatchObject({
      baseUrl: 'https://proxy.example.com/v1',
      keySource: { variable: 'MY_KEY' },
      timeoutMs: 120_000,
      idleMs: 30_000,
      rate: { count: 60, perMs: 60_000 },
      retries: 1,
      concurrency: 8,
      isFree: false,
    })
    expect(settings.get('house')).toMatchObject({ keySource: { file: '/etc/vigil/key' }, isFree: true })
    const [openai, house, groq] = ['openai', 'house', 'groq'].map((name) => settings.get(name))
    expect(openai && priceFor(openai, 'gpt-5-mini')).toEqual({ input: 250_000, output: 2_000_000, cache_read: 25_000 })
    expect(house && priceFor(house, 'anything')).toEqual({ input: 0, output: 0 })
    expect(groq && priceFor(groq, 'nobody-knows-it')).toBeUndefined()
  })

  test('models is another word for it, and OPENAI_BASE_URL leads to another place', () => {
    const { value } = read('models: { openai: { max_retries: 0 } }')
    const settings = providerSettings(value?.providers ?? {}, { OPENAI_BASE_URL: 'http://127.0.0.1:1234/v1' })
    expect(settings.get('openai')).toMatchObject({ retries: 0, baseUrl: 'http://127.0.0.1:1234/v1' })
  })

  test.each([
    ['providers: { mine: { api_key: "${K}" } }', 'providers.mine', 'expected a base_url'],
    ['providers: { sim: { base_url: http://x/v1 } }', 'providers.sim', 'expected a name of its own'],
    ['providers: { openai: { api_key: sk-written-down } }', 'providers.openai.api_key', 'expected a reference'],
    ['providers: { openai: { prices: cheap } }', 'providers.openai.prices', 'expected free, or a map'],
    ['models: { openai: { timeot: 3s } }', 'models.openai.timeot', 'timeout'],
    ['providers: { openai: { base_url: ftp://x } }', 'providers.openai.base_url', 'expected a URL'],
  ])('%s is refused', (text, path, words) => {
    const [problem] = read(text).problems
    expect(problem?.path).toBe(path)
    expect(`${problem?.message} ${problem?.hint}`).toContain(words)
  })
})
