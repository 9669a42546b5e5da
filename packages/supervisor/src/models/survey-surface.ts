/** Which models manifests name, and what keeps any of them from being asked. */
export interface ModelSurvey {
  /** Day of the prices that come with Vigil. */
  readonly pricesOf: string
  readonly models: readonly ModelStatus[]
  /** Those of the models, and those of the configuration. */
  readonly providers: readonly ProviderStatus[]
}

export interface ModelStatus {
  readonly model: string
  readonly processes: readonly string[]
  readonly simulated: boolean
  /** US dollars for a million tokens; absent: nobody knows it. */
  readonly price?: { readonly input: number; readonly output: number }
  /** Why its processes do not run, or its calls are refused. */
  readonly problem?: string
}

export interface ProviderStatus {
  readonly name: string
  readonly baseUrl: string
  readonly key: 'set' | 'missing' | 'not_needed'
  /** Absent: nobody looked. */
  readonly reached?: boolean
  readonly problem?: string
}
