import {
  type Attributes,
  type Context,
  context,
  type Link,
  ProxyTracerProvider,
  ROOT_CONTEXT,
  type Span,
  type SpanKind,
  SpanStatusCode,
  trace,
} from '@opentelemetry/api'
import { attribute, scope } from './conventions.ts'

/** Spans that have begun and not ended, by name, the oldest first; of too many the oldest ends. */
export interface OpenSpans {
  /** Undefined when there is no SDK. */
  begin(name: string, span: NewSpan): Span | undefined
  get(name: string): Span | undefined
  end(name: string, end: SpanEnd): void
  /** Those whose names begin so. */
  endAll(prefix: string, end: SpanEnd): void
}

export interface NewSpan {
  readonly title: string
  readonly kind: SpanKind
  readonly atMs: number
  readonly attributes: Attributes
  readonly parent?: Span | undefined
  readonly links?: readonly Link[]
}

export interface SpanEnd {
  readonly atMs: number
  readonly attributes?: Attributes
  /** A code and never a message: those may hold what agents and people say. */
  readonly error?: string | undefined
}

const mostSpans = 10_000

/** What a provider that nobody has set delegates to. */
const nothing = new ProxyTracerProvider().getDelegate()

export function isTracing(): boolean {
  const provider = trace.getTracerProvider()
  return !(provider instanceof ProxyTracerProvider) || provider.getDelegate() !== nothing
}

export function openSpans(version: string): OpenSpans {
  const open = new Map<string, Span>()

  const end: OpenSpans['end'] = (name, { atMs, attributes = {}, error }) => {
    const span = open.get(name)
    if (span === undefined) return
    open.delete(name)
    span.setAttributes(error === undefined ? attributes : { ...attributes, [attribute.error]: error })
    if (error !== undefined) span.setStatus({ code: SpanStatusCode.ERROR })
    span.end(new Date(atMs))
  }

  return {
    begin(name, { title, kind, atMs, attributes, parent, links = [] }) {
      if (!isTracing()) return undefined
      end(name, { atMs })
      const [oldest] = open.keys()
      if (oldest !== undefined && open.size >= mostSpans) end(oldest, { atMs })
      const tracer = trace.getTracerProvider().getTracer(scope.name, version, { schemaUrl: scope.schemaUrl })
      const options = { kind, startTime: new Date(atMs), attributes, links: [...links] }
      const span = tracer.startSpan(title, options, contextOf(parent))
      open.set(name, span)
      return span
    },
    get: (name) => open.get(name),
    end,
    endAll(prefix, how) {
      for (const name of [...open.keys()]) if (name.startsWith(prefix)) end(name, how)
    },
  }
}

/** Who embeds Vigil may have a span of its own under way; what an agent does is no part of it. */
const contextOf = (parent: Span | undefined): Context =>
  parent === undefined ? ROOT_CONTEXT : trace.setSpan(context.active(), parent)
