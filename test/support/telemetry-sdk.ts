import { metrics, type SpanKind, type SpanStatusCode, trace } from '@opentelemetry/api'
import {
  AggregationTemporality,
  InMemoryMetricExporter,
  MeterProvider,
  PeriodicExportingMetricReader,
} from '@opentelemetry/sdk-metrics'
import { BasicTracerProvider, InMemorySpanExporter, SimpleSpanProcessor } from '@opentelemetry/sdk-trace-base'

export interface ToldSpan {
  readonly name: string
  readonly kind: SpanKind
  readonly attributes: Readonly<Record<string, unknown>>
  readonly events: readonly unknown[]
  readonly ms: number
  readonly status: SpanStatusCode
  readonly message: string | undefined
  readonly id: string
  readonly trace: string
  readonly parent: string | undefined
  /** Ids of spans. */
  readonly links: readonly string[]
}

/** OpenTelemetry's own SDK, set for the process, of which all stays in memory. */
export interface FakeSdk {
  /** Those that have ended. */
  spans(): ToldSpan[]
  /** By the name of a metric: attributes and value of each of its points. */
  points(): Promise<Record<string, (readonly [object, unknown])[]>>
  close(): Promise<void>
}

export function withSdk(): FakeSdk {
  const exporter = new InMemorySpanExporter()
  trace.setGlobalTracerProvider(new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] }))
  const measured = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE)
  const reader = new PeriodicExportingMetricReader({
    exporter: measured,
    exportIntervalMillis: 1e9,
    exportTimeoutMillis: 1e8,
  })
  const provider = new MeterProvider({ readers: [reader] })
  metrics.setGlobalMeterProvider(provider)
  return {
    spans: () =>
      exporter.getFinishedSpans().map((span) => ({
        name: span.name,
        kind: span.kind,
        attributes: span.attributes,
        events: span.events,
        ms: span.duration[0] * 1_000 + span.duration[1] / 1e6,
        status: span.status.code,
        message: span.status.message,
        id: span.spanContext().spanId,
        trace: span.spanContext().traceId,
        parent: span.parentSpanContext?.spanId,
        links: span.links.map(({ context }) => context.spanId),
      })),
    async points() {
      await reader.forceFlush()
      const all =
        measured
          .getMetrics()
          .at(-1)
          ?.scopeMetrics.flatMap((each) => each.metrics) ?? []
      return Object.fromEntries(
        all.map(({ descriptor, dataPoints }) => [
          descriptor.name,
          dataPoints.map(({ attributes, value }) => [attributes, valueIn(value)] as const),
        ]),
      )
    },
    async close() {
      trace.disable()
      metrics.disable()
      await provider.shutdown()
    },
  }
}

const valueIn = (value: unknown): unknown => {
  if (typeof value === 'number') return value
  const { count, sum } = value as { readonly count: number; readonly sum?: number }
  return { count, sum }
}
