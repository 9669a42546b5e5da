/** Models that manifests name, and what keeps any of them from being asked. */
export interface ModelsView {
  /** Day of the prices that come with Vigil. */
  readonly prices_of: string
  readonly models: readonly {
    readonly model: string
    readonly processes: readonly string[]
    readonly simulated: boolean
    /** US dollars for a million tokens; absent: nobody knows it. */
    readonly price?: { readonly input: number; readonly output: number }
    readonly problem?: string
  }[]
  readonly providers: readonly {
    readonly name: string
    readonly base_url: string
    readonly key: 'set' | 'missing' | 'not_needed'
    /** Absent: nobody looked. */
    readonly reached?: boolean
    readonly problem?: string
  }[]
}
