/** An entry of `network.allow`, as URL spells hosts: lower case, punycode, one way to write each address. */
export interface AllowedHost {
  readonly hostname: string
  /** Absent: the port of the scheme, 80 or 443. */
  readonly port?: number
}

const shape = /^(\[[0-9a-f:.]+\]|[^:[\]\s/\\?#@%*]+)(?::(\d{1,5}))?$/i

/** `api.example.com`, `api.example.com:8443`, `127.0.0.1:9999`, `[::1]:9999`; undefined for anything else. */
export function allowedHost(entry: string): AllowedHost | undefined {
  const [, host = '', port] = shape.exec(entry) ?? []
  if (host === '' || !URL.canParse(`http://${host}`)) return undefined
  const { hostname } = new URL(`http://${host}`)
  if (port === undefined) return { hostname }
  const number = Number(port)
  return number >= 1 && number <= 65_535 ? { hostname, port: number } : undefined
}
