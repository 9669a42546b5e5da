import type { FakeFailure } from './reply.ts'

/** OpenAI's words for a status, where it has its own. */
const words: Readonly<Record<number, { readonly message: string; readonly type: string; readonly code?: string }>> = {
  401: { message: 'Incorrect API key provided.', type: 'invalid_request_error', code: 'invalid_api_key' },
  404: { message: 'The model does not exist.', type: 'invalid_request_error', code: 'model_not_found' },
  429: { message: 'Rate limit reached.', type: 'requests', code: 'rate_limit_exceeded' },
  503: { message: 'The engine is currently overloaded, please try again later.', type: 'server_error' },
}

export function failureBody({ status, message, type, code }: FakeFailure): object {
  const usual = words[status] ?? {
    message: status < 500 ? 'The request was refused.' : 'The server had an error while processing your request.',
    type: status < 500 ? 'invalid_request_error' : 'server_error',
  }
  const error = { message: message ?? usual.message, type: type ?? usual.type, param: null }
  return { error: { ...error, code: code ?? usual.code ?? null } }
}

export function failureHeaders({ retryAfter, retryAfterMs }: FakeFailure): Record<string, string> {
  return {
    ...(retryAfter !== undefined && { 'retry-after': `${retryAfter}` }),
    ...(retryAfterMs !== undefined && { 'retry-after-ms': `${retryAfterMs}` }),
  }
}
