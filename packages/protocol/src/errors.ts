/**
 * The one table of errors. `kind` says what happens next: `fatal` (a bug or a broken machine: stop),
 * `terminal` (do not retry), `retryable`, `suspend` (wait for a person or a limit), `rejected` (the
 * caller's fault). Errors cross threads and sockets, so they are recognised by `code`, never by class.
 */
export type ErrorKind = 'fatal' | 'terminal' | 'retryable' | 'suspend' | 'rejected'

export interface ErrorRow {
  readonly kind: ErrorKind
  readonly status: number
  readonly help: string
}

const row = (kind: ErrorKind, status: number, help: string): ErrorRow => ({ kind, status, help })

export const errorTable = {
  // The edge: what a caller sent.
  INVALID_JSON: row('rejected', 400, 'Send one JSON document with content-type application/json.'),
  INVALID_ARGUMENT: row('rejected', 400, 'Correct the argument that the message names.'),
  UNAUTHORIZED: row('rejected', 401, 'Send `Authorization: Bearer <token>`; the token lies in DATA/token.'),
  FORBIDDEN: row('rejected', 403, 'Call from the same origin, or without an Origin header.'),
  ROLE_DENIED: row('rejected', 403, 'Call with a token that may: the message names who.'),
  MISDIRECTED: row('rejected', 421, 'Use the host that the supervisor listens on.'),
  ROUTE_NOT_FOUND: row('rejected', 404, 'See the route table in docs/rest.md.'),
  PROCESS_NOT_FOUND: row('rejected', 404, 'List the processes with `vigil ps`.'),
  TOO_LARGE: row('rejected', 413, 'Send less at once, or store the body in a file and send its path.'),
  UNSUPPORTED_MEDIA_TYPE: row('rejected', 415, 'Send application/json.'),
  INVALID_CONFIG: row('rejected', 422, 'Correct the values that the details name.'),
  UNKNOWN_FIELD: row('rejected', 422, 'Remove the field or correct its name.'),
  MISSING_FIELD: row('rejected', 422, 'Add the field that the message names.'),
  ENV_MISSING: row('rejected', 422, 'Set the variable, or give a default with ${NAME:-default}.'),
  ALREADY_EXISTS: row('rejected', 409, 'Choose another name, or remove the process of that name first.'),
  INVALID_STATE: row('rejected', 409, 'Look at the state with `vigil ps`, then start, resume or stop first.'),
  REVISION: row('rejected', 409, 'Somebody was quicker: read it again, then change what is there now.'),
  KEY_CONFLICT: row('rejected', 409, 'One idempotency key names one body; use a new key for another body.'),
  GUARANTEE_UNAVAILABLE: row(
    'rejected',
    422,
    'Give `degrade: true` to run with less, or run it on a machine that has what is missing.',
  ),
  FUNCTION_NOT_PORTABLE: row('rejected', 422, 'Put the function into a module and pass its URL as entrypoint.'),
  BUNDLE_FAILED: row('rejected', 422, 'Correct the module at the place that the message names.'),
  // Webhooks: what a sender is told.
  HOOK_NOT_FOUND: row('rejected', 404, 'Give an agent a webhook trigger with this path, or correct the path.'),
  WEBHOOK_UNVERIFIED: row(
    'rejected',
    401,
    'Sign the bytes of the body with the secret of the hook, and the present time.',
  ),
  SOURCE_DENIED: row(
    'rejected',
    403,
    'Verify the hook, or say who may call it: allowed_sources or auth in the manifest.',
  ),
  WEBHOOK_NO_SECRET: row('retryable', 503, 'Set the variable or the file that the manifest names as the secret.'),
  PROCESS_STOPPED: row('retryable', 503, 'Start the process; what is sent again then is taken.'),
  // Delivery and turns.
  PAYLOAD_INVALID: row('rejected', 422, 'Send what fits the schema of the receiver; the message names the place.'),
  MAILBOX_FULL: row('retryable', 503, 'Let the process catch up, or raise mailbox.max.'),
  TURN_FAILED: row('terminal', 500, 'Read the error of the turn; the event lies in the dead letters.'),
  TURN_DIVERGED: row(
    'terminal',
    500,
    'The module did not repeat its recorded steps: use ctx.now, ctx.random and ctx.step.',
  ),
  TURN_TIMEOUT: row('retryable', 504, 'Raise max_turn, or split the work into several turns.'),
  WAIT_TIMEOUT: row('retryable', 504, 'The turn goes on; ask for its result later or wait longer.'),
  CRASHED_TWICE: row(
    'terminal',
    500,
    'This event took the agent down twice; look at its last exit before redelivering.',
  ),
  ABORTED: row('terminal', 499, 'The caller gave up; the turn goes on.'),
  TURN_CANCELLED: row('terminal', 409, 'A person or a policy ended the turn; look at `vigil turns show`.'),
  TURN_NOT_FOUND: row('rejected', 404, 'List the turns with `vigil turns NAME`.'),
  BODY_GONE: row('rejected', 410, 'Raise journal.bodies_retention; what was taken away does not come back.'),
  BODY_LOST: row(
    'terminal',
    410,
    'DATA/blobs does not hold it any more: have it sent again, and discard the dead letter. A backup of DATA/blobs brings it back only before the start.',
  ),
  TRIGGER_NOT_FOUND: row('rejected', 404, 'List the triggers with `vigil triggers NAME`.'),
  DEAD_LETTER_NOT_FOUND: row('rejected', 404, 'List the dead letters with `vigil dead-letters NAME`.'),
  DOUBT_NOT_FOUND: row('rejected', 404, 'List what is in doubt with `vigil doubts`.'),
  REQUEST_NOT_FOUND: row('rejected', 404, 'List what waits for a person with `vigil requests`.'),
  ALREADY_DECIDED: row('rejected', 409, 'The first decision counts; the details hold it.'),
  REQUEST_CLOSED: row('rejected', 409, 'Its time is over or its turn has ended; the details say which.'),
  ANSWER_INVALID: row('rejected', 422, 'Answer with what was asked for; the message names the place.'),
  STATE_DENIED: row('rejected', 403, 'Add the key to context.writable_keys in the manifest.'),
  STATE_CONFLICT: row(
    'retryable',
    409,
    'Too many turns change this key at the same time: lower concurrency, or use several keys.',
  ),
  REWIND_UNREACHABLE: row('rejected', 409, 'Choose a later record: `vigil journal show NAME` lists them.'),
  // Effects.
  BUDGET_EXCEEDED: row(
    'suspend',
    429,
    'Wait for the next period, or give it more: `vigil budget NAME grant USD`, or the limit that the message names.',
  ),
  EFFECT_IN_DOUBT: row('suspend', 409, 'Vigil died between intent and outcome: find out outside whether it happened.'),
  NETWORK_DENIED: row('rejected', 403, 'Add the host to network.allow in the manifest.'),
  SECRET_DENIED: row('rejected', 403, 'Add the secret, or the host to its hosts, as the message says.'),
  SECRET_MISSING: row('retryable', 503, 'Set the variable or the file that the manifest names.'),
  SECRET_NOT_FOUND: row('rejected', 404, 'List the secrets of the process with `vigil secrets ls NAME`.'),
  VAULT_KEY_WRONG: row('suspend', 503, 'Start with the key that the vault was sealed with, or set the secret again.'),
  VAULT_DAMAGED: row('suspend', 503, 'Put the file back from a copy of the data directory, or set the secret again.'),
  SIM_NO_RULE: row('terminal', 422, 'Add a rule or an entry under `sim` that fits what the message shows.'),
  MODEL_NOT_FOUND: row(
    'rejected',
    422,
    'Write it as provider:model, with a provider that Vigil knows or vigil.yaml names.',
  ),
  MODEL_KEY_MISSING: row('suspend', 503, 'Set the variable or the file that the message names, and start Vigil again.'),
  MODEL_UNPRICED: row(
    'rejected',
    422,
    'Add the price to vigil.yaml as the message says, or write `budget: unlimited` in the manifest.',
  ),
  MODEL_UNAVAILABLE: row('retryable', 502, 'The provider did not answer; the message says how.'),
  MODEL_RATE_LIMITED: row('retryable', 429, 'Ask the provider for more, or give it a rate_limit in vigil.yaml.'),
  MODEL_REFUSED: row('terminal', 502, 'The provider does not take the request; the message says why.'),
  MODEL_TIMEOUT: row('retryable', 504, 'Raise timeout or idle_timeout of the provider in vigil.yaml.'),
  MODEL_MALFORMED: row('retryable', 502, 'What came was no whole answer; look at the provider.'),
  OUTPUT_INVALID: row(
    'retryable',
    502,
    'Ask for less at once, describe the fields of the schema, or take a model that follows schemas.',
  ),
  FILE_DENIED: row('rejected', 403, 'Declare the path under files in the manifest (mode: rw to write).'),
  FILE_FAILED: row('terminal', 500, 'See the system error in the message.'),
  FETCH_FAILED: row('retryable', 502, 'The other side did not answer; the message says how.'),
  FETCH_TIMEOUT: row('retryable', 504, 'The other side took too long.'),
  REQUEST_FAILED: row('terminal', 502, 'The receiver gave no result; the details hold the error of its turn.'),
  REQUEST_TIMEOUT: row(
    'retryable',
    504,
    'Wait longer, or look at what the receiver does; a late result changes nothing.',
  ),
  REQUEST_EXPIRED: row(
    'terminal',
    504,
    'Ask with a longer timeout, or give a default for the time when nobody answers.',
  ),
  MEMORY_DISABLED: row('rejected', 403, 'Add `memory: { enabled: true }` to the manifest.'),
  MEMORY_FULL: row(
    'terminal',
    507,
    'Forget what is not needed: `ctx.memory.forget`, or `vigil memory NAME forget ID`.',
  ),
  MEMORY_NOT_FOUND: row('rejected', 404, 'List the entries with `vigil memory NAME`.'),
  REQUESTS_FULL: row('retryable', 503, 'Decide what is open first: `vigil requests` lists it.'),
  CHANNEL_INTERRUPTED: row(
    'retryable',
    503,
    'What came over a channel is not on record: the turn begins anew with its next attempt.',
  ),
  STEP_TIMEOUT: row('retryable', 504, 'Raise the timeout of the step, or do less in it.'),
  TOO_MANY_EFFECTS: row('terminal', 413, 'Publish or send what is left, so that another turn does it.'),
  TOOL_NOT_FOUND: row('rejected', 404, 'Give the tool to the module under `tools`, or correct the name.'),
  TOOL_INPUT_INVALID: row('rejected', 422, 'Send what fits the schema of the tool; the message names the place.'),
  TOOL_DENIED: row('rejected', 403, 'Change its policy under `tools` in the manifest, or ask who denied it.'),
  TOOL_LIMIT: row('terminal', 429, 'Raise max_per_turn of the tool in the manifest, or do less in one turn.'),
  TOOL_TIMEOUT: row('retryable', 504, 'Raise the timeout of the tool, or do less in it.'),
  TOOL_FAILED: row('terminal', 500, 'The tool threw; its error is the cause.'),
  SERVER_UNAVAILABLE: row(
    'retryable',
    503,
    'Start the server, or correct its url or command under `servers` in the manifest; the message says what came of it.',
  ),
  SERVER_FAILED: row(
    'terminal',
    502,
    'The server broke in the middle of the call: find out whether it was done before it is made again.',
  ),
  STEP_FAILED: row('terminal', 500, 'The step threw; its error is the cause.'),
  // The house itself.
  JOURNAL_FAILED: row('fatal', 507, 'Look at the disk; Vigil stopped so that nothing false was acknowledged.'),
  JOURNAL_CLOSED: row('retryable', 503, 'The supervisor is shutting down; call again after it is back.'),
  JOURNAL_DAMAGED: row(
    'fatal',
    500,
    'Look with `vigil journal verify`, then restore the named segment from a backup, or run `vigil journal repair`.',
  ),
  FENCED: row('fatal', 409, 'A newer life of this process exists; the old one may not speak.'),
  DATA_IN_USE: row('fatal', 409, 'Another supervisor runs on this data directory: stop it or choose another --data.'),
  DISK_FULL: row(
    'retryable',
    507,
    'Free space on the disk of the data directory: Vigil that runs then goes on by itself.',
  ),
  UNSAFE_OPTION: row('fatal', 500, 'Start node without the option (look at NODE_OPTIONS, too).'),
  PORT_IN_USE: row('fatal', 500, 'Choose another --port (0 picks a free one) or stop who uses it.'),
  UNREACHABLE: row('retryable', 503, 'Is the supervisor running? Give --url or start it.'),
  STOPPING: row('retryable', 503, 'The supervisor is shutting down; call again after it is back.'),
  INTERNAL: row('fatal', 500, 'This is a bug in Vigil; please report it with the log.'),
} satisfies Record<string, ErrorRow>

export type ErrorCode = keyof typeof errorTable

/** How an error looks in JSON: in journal records, on the wire, and (as `error`) in REST replies. */
export interface ErrorBody {
  readonly code: string
  readonly message: string
  readonly help?: string
  readonly details?: unknown
}

export interface VigilErrorOptions {
  readonly details?: unknown
  readonly cause?: unknown
}

/** An error of the table. Read `code`; never test the class across a thread or socket. */
export class VigilError extends Error {
  override readonly name = 'VigilError'
  readonly code: ErrorCode
  readonly details: unknown

  constructor(code: ErrorCode, message: string, options: VigilErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.code = code
    this.details = options.details
  }

  get kind(): ErrorKind {
    return errorTable[this.code].kind
  }

  get status(): number {
    return errorTable[this.code].status
  }

  get help(): string {
    return errorTable[this.code].help
  }

  get retryable(): boolean {
    return this.kind === 'retryable'
  }
}

/** The code of an error of the table, or undefined for any other value. */
export function errorCode(error: unknown): ErrorCode | undefined {
  const code = (error as { code?: unknown } | null)?.code
  return typeof code === 'string' && Object.hasOwn(errorTable, code) ? (code as ErrorCode) : undefined
}

/** Flattens anything that was thrown into the JSON form; foreign errors become INTERNAL unless `fallback` says else. */
export function errorBody(error: unknown, fallback: ErrorCode = 'INTERNAL'): ErrorBody {
  const code = errorCode(error) ?? fallback
  const message = error instanceof Error ? error.message : String((error as { message?: unknown })?.message ?? error)
  const details = (error as { details?: unknown } | null)?.details
  return { code, message, help: errorTable[code].help, ...(details === undefined ? {} : { details }) }
}
