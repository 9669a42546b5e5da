import type { LookupAddress } from 'node:dns'
import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import { type AddressInfo, isIP } from 'node:net'
import { networkInterfaces } from 'node:os'
import type { HttpReply } from '@vigil/protocol'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { httpExchange } from '../../packages/supervisor/src/gateway/http-exchange.ts'
import type { Resolver } from '../../packages/supervisor/src/gateway/pinned-connector.ts'
import { systemClock } from '../../packages/supervisor/src/platform/clock.ts'

/**
 * Ways by which a request was led somewhere else than its manifest says, by name. A real server on every address of this
 * machine counts connections: none of the forms may make one. PORT in a URL is the port of that server.
 */
let server: Server
let connections = 0
let port: number

beforeEach(async () => {
  server = createServer((_request, response) => void response.writeHead(200, { connection: 'close' }).end('inside'))
  server.on('connection', () => {
    connections += 1
  })
  await once(server.listen(0, '::'), 'listening')
  port = (server.address() as AddressInfo).port
})
afterEach(() => {
  server.closeAllConnections()
  server.close()
})

interface Attempt {
  readonly url: string
  readonly allow: readonly string[]
  /** What each name resolves to; a list per resolution, the last one for all that follow. */
  readonly names?: Readonly<Record<string, readonly (readonly string[])[]>>
  readonly headers?: Readonly<Record<string, string>>
  readonly ownPorts?: ReadonlySet<number>
}

const here = (text: string): string => text.replaceAll('PORT', String(port))

/** Sends once, with names of its own. */
async function attempt({ url, allow, names = {}, headers = {}, ownPorts = new Set() }: Attempt): Promise<HttpReply> {
  const clock = systemClock()
  const exchange = httpExchange({ clock, ownPorts, resolver: resolverOf(names) })
  const request = { method: 'GET', url: here(url), headers, timeoutMs: 5_000, maxBodyBytes: 1_000, repeatable: true }
  try {
    return await exchange.send(
      { ...request, allow: allow.map(here) },
      { signal: new AbortController().signal, leftMs: request.timeoutMs },
    )
  } finally {
    await exchange.close()
    clock.close()
  }
}

function resolverOf(names: NonNullable<Attempt['names']>): Resolver {
  const asked = new Map<string, number>()
  return (name, _options, done) => {
    const answers = names[name] ?? []
    const times = asked.get(name) ?? 0
    asked.set(name, times + 1)
    const addresses = answers[Math.min(times, answers.length - 1)]
    if (addresses === undefined) return done(new Error(`getaddrinfo ENOTFOUND ${name}`), [])
    done(
      null,
      addresses.map((address): LookupAddress => ({ address, family: isIP(address.replace(/%.*$/, '')) })),
    )
  }
}

async function refusal(what: Attempt): Promise<{ readonly code?: string; readonly message?: string }> {
  const before = connections
  const error = await attempt(what).then(
    ({ status }) => ({ message: `answered with ${status}` }),
    (reason: Error) => reason,
  )
  expect(connections - before).toBe(0)
  return error
}

const allow = ['api.example.com', 'metrics.example.com:8080']

test.each([
  ['loopback', 'http://127.0.0.1:PORT/'],
  ['a name of loopback', 'http://localhost:PORT/'],
  ['the same in capitals', 'http://LOCALHOST:PORT/'],
  ['the same with a dot behind', 'http://localhost.:PORT/'],
  ['loopback of IPv6', 'http://[::1]:PORT/'],
  ['one decimal number', 'http://2130706433:PORT/'],
  ['one hexadecimal number', 'http://0x7f000001:PORT/'],
  ['octal parts', 'http://0177.0.0.01:PORT/'],
  ['hexadecimal parts', 'http://0x7f.0x0.0x0.0x1:PORT/'],
  ['two parts', 'http://127.1:PORT/'],
  ['three parts, mixed bases', 'http://0x7f.0.1:PORT/'],
  ['an address with a dot behind', 'http://127.0.0.1.:PORT/'],
  ['zero', 'http://0:PORT/'],
  ['the unspecified address', 'http://0.0.0.0:PORT/'],
  ['the unspecified address of IPv6', 'http://[::]:PORT/'],
  ['IPv4 in IPv6', 'http://[::ffff:127.0.0.1]:PORT/'],
  ['IPv4 in IPv6, hexadecimal', 'http://[::ffff:7f00:1]:PORT/'],
  ['IPv4 in IPv6, spelled out', 'http://[0:0:0:0:0:ffff:7f00:1]:PORT/'],
  ['IPv4 in IPv6, the old way', 'http://[::127.0.0.1]:PORT/'],
  ['digits in circles', 'http://①②⑦.⓪.⓪.①:PORT/'],
  ['wide digits and dots', 'http://１２７。０。０。１:PORT/'],
  ['percent signs', 'http://%31%32%37.0.0.1:PORT/'],
  ['an allowed host as user', 'http://api.example.com@127.0.0.1:PORT/'],
  ['an allowed host as user and password', 'http://api.example.com:80@127.0.0.1:PORT/'],
  ['an allowed host behind a hash', 'http://127.0.0.1:PORT#@api.example.com/'],
  ['an allowed host behind a question mark', 'http://127.0.0.1:PORT?@api.example.com/'],
  ['an allowed host behind a backslash', 'http://127.0.0.1:PORT\\@api.example.com/'],
  ['no slashes', 'http:127.0.0.1:PORT/'],
  ['three slashes', 'http:///127.0.0.1:PORT/'],
  ['tabs and newlines', 'ht\ntp://127.0.\t0.1:PORT/'],
  ['an allowed host as first labels', 'http://api.example.com.evil.test:PORT/'],
  ['an allowed host with a dot behind', 'http://api.example.com./'],
  ['a host below an allowed one', 'http://x.api.example.com/'],
  ['an allowed host in the path', 'http://evil.test/api.example.com'],
  ['another port of an allowed host', 'http://api.example.com:PORT/'],
  ['the port of the other scheme', 'https://api.example.com:80/'],
  ['the default port where another is named', 'http://metrics.example.com/'],
  ['a file', 'file:///etc/passwd'],
  ['data', 'data:text/plain,inside'],
  ['gopher', 'gopher://127.0.0.1:PORT/_GET'],
  ['a web socket', 'ws://127.0.0.1:PORT/'],
  ['an interface in the address', 'http://[fe80::1%25lo]:PORT/'],
])('is not named: %s', async (_name, url) => {
  const { code, message } = await refusal({ url, allow })
  expect(['NETWORK_DENIED', 'INVALID_ARGUMENT'], message).toContain(code)
})

const hosts = { 'api.example.com': [['127.0.0.1']], 'metrics.example.com': [['127.0.0.1']] }

describe.each([
  ['loopback', '127.0.0.1'],
  ['the rest of loopback', '127.8.8.8'],
  ['loopback of IPv6', '::1'],
  ['a private network, 10', '10.0.0.1'],
  ['a private network, 172.16', '172.31.255.254'],
  ['a private network, 192.168', '192.168.1.1'],
  ['unique local', 'fd12:3456::1'],
  ['a carrier’s network', '100.64.0.1'],
  ['metadata in a carrier’s network', '100.100.100.200'],
])('a name that leads to a network of one’s own: %s', (_name, address) => {
  test('is refused, with the line that allows it', async () => {
    const { code, message } = await refusal({
      url: 'http://api.example.com/',
      allow,
      names: { 'api.example.com': [[address]] },
    })
    expect(code).toBe('NETWORK_DENIED')
    expect(message).toContain('add to the manifest: network: { allow: ["api.example.com:80"] }')
  })
})

test.each([
  ['this network', '0.0.0.0'],
  ['this network, not zero', '0.1.2.3'],
  ['link-local, metadata', '169.254.169.254'],
  ['link-local', '169.254.1.1'],
  ['metadata of IPv6', 'fe80::a9fe:a9fe'],
  ['link-local with its interface', 'fe80::1%lo'],
  ['metadata at a public address', '168.63.129.16'],
  ['metadata in a reserved range', '192.0.0.192'],
  ['benchmarks', '198.18.0.1'],
  ['documentation', '203.0.113.1'],
  ['the relay of 6to4', '192.88.99.1'],
  ['multicast', '224.0.0.1'],
  ['the future', '240.0.0.1'],
  ['broadcast', '255.255.255.255'],
  ['the unspecified address of IPv6', '::'],
  ['IPv4 in IPv6', '::ffff:127.0.0.1'],
  ['IPv4 in IPv6, the old way', '::7f00:1'],
  ['IPv4 in IPv6, translated', '::ffff:0:7f00:1'],
  ['NAT64', '64:ff9b::7f00:1'],
  ['NAT64 of a network', '64:ff9b:1::7f00:1'],
  ['6to4', '2002:7f00:1::1'],
  ['Teredo', '2001:0:7f00:1::1'],
  ['site-local', 'fec0::1'],
  ['multicast of IPv6', 'ff02::1'],
  ['IPv6 that nobody was given', '4000::1'],
  ['no address at all', 'inside'],
])('a name that leads where no name may lead, whatever port is named: %s', async (_name, address) => {
  for (const [url, name] of [
    ['http://api.example.com/', 'api.example.com'],
    ['http://metrics.example.com:8080/', 'metrics.example.com'],
  ] as const) {
    expect(await refusal({ url, allow, names: { ...hosts, [name]: [[address]] } })).toMatchObject({
      code: 'NETWORK_DENIED',
      message: expect.stringContaining(`network: { allow: ["${address}"] }`),
    })
  }
})

test('one bad address among good ones spoils the name', async () => {
  const names = { 'api.example.com': [['93.184.215.14', '2606:2800:21f::1', '127.0.0.1']] }
  expect(await refusal({ url: 'http://api.example.com/', allow, names })).toMatchObject({ code: 'NETWORK_DENIED' })
})

test.each([
  ['loopback', 'http://127.0.0.1:PORT/', '127.0.0.1:PORT'],
  ['the rest of loopback', 'http://127.0.0.77:PORT/', '127.0.0.77:PORT'],
  ['a number', 'http://2130706433:PORT/', '127.0.0.1:PORT'],
  ['IPv6', 'http://[::1]:PORT/', '[::1]:PORT'],
  ['IPv4 in IPv6', 'http://[::ffff:127.0.0.1]:PORT/', '[::ffff:127.0.0.1]:PORT'],
  ['the unspecified address', 'http://0.0.0.0:PORT/', '0.0.0.0:PORT'],
  ['the unspecified address of IPv6', 'http://[::]:PORT/', '[::]:PORT'],
  ['a name', 'http://inside.test:PORT/', 'inside.test:PORT'],
  ['an address of this machine', `http://${ownAddress()}:PORT/`, `${ownAddress()}:PORT`],
])('our own listener, although it is allowed: %s', async (_name, url, entry) => {
  const names = { 'inside.test': [['127.0.0.1']] }
  expect(await refusal({ url, allow: [entry], names, ownPorts: new Set([port]) })).toMatchObject({
    code: 'NETWORK_DENIED',
    message: expect.stringContaining('a call of Vigil to itself'),
  })
})

function ownAddress(): string {
  const all = Object.values(networkInterfaces()).flatMap((each) => each ?? [])
  return all.find(({ family, internal }) => family === 'IPv4' && !internal)?.address ?? '127.0.0.1'
}

test('another host behind an allowed address cannot be asked for', async () => {
  const headers = { Host: 'admin.example.com' }
  expect(await refusal({ url: 'http://127.0.0.1:PORT/', allow: ['127.0.0.1:PORT'], headers })).toMatchObject({
    code: 'NETWORK_DENIED',
  })
})

test('a name is resolved once for a connection, and looked at anew for the next', async () => {
  const clock = systemClock()
  const names = { 'moves.test': [['127.0.0.1'], ['169.254.169.254']] }
  const exchange = httpExchange({ clock, ownPorts: new Set(), resolver: resolverOf(names) })
  const send = () =>
    exchange.send(
      {
        method: 'GET',
        url: here('http://moves.test:PORT/'),
        headers: {},
        timeoutMs: 5_000,
        maxBodyBytes: 1_000,
        repeatable: true,
        allow: [here('moves.test:PORT')],
      },
      { signal: new AbortController().signal, leftMs: 5_000 },
    )
  const before = connections
  expect((await send()).status).toBe(200)
  await expect(send()).rejects.toMatchObject({ code: 'NETWORK_DENIED' })
  expect(connections - before).toBe(1)
  await exchange.close()
  clock.close()
})

test.each([
  ['an address and its port', 'http://127.0.0.1:PORT/', '127.0.0.1:PORT'],
  ['the same address in another form', 'http://0x7f.1:PORT/', '127.0.0.1:PORT'],
  ['an address of IPv6', 'http://[::1]:PORT/', '[::1]:PORT'],
  ['the same address of IPv6, spelled out', 'http://[0:0:0:0:0:0:0:1]:PORT/', '[::1]:PORT'],
  ['a name and its port, in this network', 'http://service.test:PORT/', 'service.test:PORT'],
  ['the name in capitals', 'http://SERVICE.test:PORT/', 'Service.Test:PORT'],
])('reaches what is named: %s', async (_name, url, entry) => {
  const before = connections
  const { status } = await attempt({ url, allow: [entry], names: { 'service.test': [['127.0.0.1']] } })
  expect([status, connections - before]).toEqual([200, 1])
})
