import { type Counter, createNoopMeter, type Histogram, type MeterProvider, metrics } from '@opentelemetry/api'
import { metric, scope } from './conventions.ts'

export interface Instruments {
  readonly tokens: Histogram
  readonly duration: Histogram
  readonly turns: Counter
  readonly deadLetters: Counter
  readonly cost: Counter
}

const nothing = createNoopMeter()

/** The instruments of the SDK that is there now; undefined while there is none. */
export function instrumentsOf(version: string): () => Instruments | undefined {
  let of: MeterProvider | undefined
  let made: Instruments | undefined
  return () => {
    const provider = metrics.getMeterProvider()
    if (provider !== of) {
      of = provider
      made = instruments(provider, version)
    }
    return made
  }
}

function instruments(provider: MeterProvider, version: string): Instruments | undefined {
  const meter = provider.getMeter(scope.name, version, { schemaUrl: scope.schemaUrl })
  if (meter === nothing) return undefined
  const histogram = ({ name, unit, description, buckets }: (typeof metric)['tokens' | 'duration']): Histogram =>
    meter.createHistogram(name, { unit, description, advice: { explicitBucketBoundaries: [...buckets] } })
  const counter = ({ name, unit, description }: (typeof metric)['turns' | 'deadLetters' | 'cost']): Counter =>
    meter.createCounter(name, { unit, description })
  return {
    tokens: histogram(metric.tokens),
    duration: histogram(metric.duration),
    turns: counter(metric.turns),
    deadLetters: counter(metric.deadLetters),
    cost: counter(metric.cost),
  }
}
