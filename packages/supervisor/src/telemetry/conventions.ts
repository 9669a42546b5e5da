/**
 * The words of OpenTelemetry's semantic conventions for generative AI, which are still in development: all from the version that the schema
 * names, so that whoever reads them knows which. Names of Vigil's own begin with its name.
 */
export const scope = { name: 'vigil', schemaUrl: 'https://opentelemetry.io/schemas/1.41.0' } as const

export const operations = {
  agent: 'invoke_agent',
  'model.generate': 'chat',
  'model.embed': 'embeddings',
  tool: 'execute_tool',
  'server.tool': 'execute_tool',
} as const

export const attribute = {
  operation: 'gen_ai.operation.name',
  provider: 'gen_ai.provider.name',
  requestModel: 'gen_ai.request.model',
  responseModel: 'gen_ai.response.model',
  finishReasons: 'gen_ai.response.finish_reasons',
  inputTokens: 'gen_ai.usage.input_tokens',
  outputTokens: 'gen_ai.usage.output_tokens',
  tokenType: 'gen_ai.token.type',
  agent: 'gen_ai.agent.name',
  conversation: 'gen_ai.conversation.id',
  tool: 'gen_ai.tool.name',
  error: 'error.type',
  turn: 'vigil.turn',
  attempt: 'vigil.attempt',
  end: 'vigil.end',
  reason: 'vigil.reason',
} as const

export const metric = {
  tokens: {
    name: 'gen_ai.client.token.usage',
    unit: '{token}',
    description: 'Tokens of one call of a model.',
    buckets: [1, 4, 16, 64, 256, 1_024, 4_096, 16_384, 65_536, 262_144, 1_048_576, 4_194_304, 16_777_216, 67_108_864],
  },
  duration: {
    name: 'gen_ai.client.operation.duration',
    unit: 's',
    description: 'How long one call of a model took.',
    buckets: [0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92],
  },
  turns: { name: 'vigil.turns', unit: '{turn}', description: 'Turns that ended, by how.' },
  deadLetters: { name: 'vigil.dead_letters', unit: '{event}', description: 'Events whose turns ended badly, by why.' },
  cost: { name: 'vigil.cost', unit: 'USD', description: 'What calls of models and tools cost.' },
} as const
