import type { Bundle } from './cell-launcher.ts'

/** CPU work that core hands to a small pool, so that its own loop stays free. */
export interface Compute {
  /**
   * Bundles an entrypoint with its dependencies into one CommonJS string for node 26.
   * Rejects with BUNDLE_FAILED naming file:line:column.
   */
  bundle(entrypoint: string): Promise<Bundle>
  /** V8's code cache of a script, base64; nothing of it is run. */
  compile(source: string): Promise<string>
  close(): Promise<void>
}
