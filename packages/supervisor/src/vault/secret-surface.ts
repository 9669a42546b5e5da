/** What is known of a secret; never its value. */
export interface SecretStatus {
  readonly name: string
  /** `set` and `generated` were laid over what the manifest says. */
  readonly source: 'variable' | 'file' | 'set' | 'generated'
  /** The variable or the file. */
  readonly where?: string
  /** Of what was set or made here, which version, and since when. */
  readonly version?: number
  readonly since?: string
  /** `memory`: it is gone when this supervisor ends. */
  readonly kept?: 'sealed' | 'memory'
  readonly expiresAt?: string
  readonly ttlMs?: number
  readonly hosts?: readonly string[]
  /** Without a host it was lent to code. */
  readonly lastUse?: { readonly at: string; readonly host?: string }
  readonly revoked?: { readonly at: string; readonly by: string; readonly expired: boolean }
  /** Why it cannot be used, as of the last look. */
  readonly missing?: string
}

/** Its variable or file is not Vigil's to empty: `where` still holds it. */
export type RevokedSecret = Pick<SecretStatus, 'name' | 'source' | 'where'>
