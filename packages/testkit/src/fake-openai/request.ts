/** A message of a conversation, as OpenAI's interface writes it. */
export interface FakeMessage {
  readonly role: string
  readonly content?: unknown
  readonly tool_calls?: readonly {
    readonly id: string
    readonly type: string
    readonly function: { readonly name: string; readonly arguments: string }
  }[]
  readonly tool_call_id?: string
}

/** A tool that is offered to the model. */
export interface FakeToolOffer {
  readonly type: string
  readonly function: {
    readonly name: string
    readonly description?: string
    readonly parameters?: Readonly<Record<string, unknown>>
    readonly strict?: boolean
  }
}

/** What would have been paid for. */
export interface FakeBill {
  readonly calls: number
  /** Tokens. */
  readonly input: number
  readonly output: number
}

/** A request as it arrived. What comes to be of it shows in `ended` and `billed`. */
export interface FakeRequest {
  readonly method: string
  /** As `/v1/chat/completions`. */
  readonly path: string
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>
  /** The parsed body; empty without one. */
  readonly body: Readonly<Record<string, unknown>>
  readonly model: string
  readonly messages: readonly FakeMessage[]
  readonly tools: readonly FakeToolOffer[]
  /**
   * `answered` whole, `failed` with an error status, `cut` by its reply, or `abandoned` by the client, which hung up first;
   * undefined while it is open.
   */
  readonly ended: 'answered' | 'failed' | 'cut' | 'abandoned' | undefined
  readonly billed: FakeBill
}

/** The same, by the server that fills it in. */
export type OpenRequest = { -readonly [Field in keyof FakeRequest]: FakeRequest[Field] }

export const nothingBilled: FakeBill = { calls: 0, input: 0, output: 0 }

export function openRequest(
  head: Pick<FakeRequest, 'method' | 'path' | 'headers'>,
  body: Readonly<Record<string, unknown>>,
): OpenRequest {
  const list = <T>(value: unknown): readonly T[] => (Array.isArray(value) ? value : [])
  return {
    ...head,
    body,
    model: typeof body['model'] === 'string' ? body['model'] : '',
    messages: list(body['messages']),
    tools: list(body['tools']),
    ended: undefined,
    billed: nothingBilled,
  }
}
