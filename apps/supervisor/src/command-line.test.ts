import { expect, it } from 'vitest'
import { type Environment, readCommandLine, type Settings } from './command-line.ts'

const read = (argv: string[], env: Environment = {}) =>
  readCommandLine(argv, {
    env,
    cwd: '/home/me',
    exampleFolder: '/vigil/example',
    readEnvFile: (path) => ({ FROM_FILE: path, VIGIL_PORT: '7', SHARED: 'file' }),
  })

const settings = (argv: string[], env: Environment = {}): Settings => {
  const order = read(argv, env)
  if (order.kind !== 'run') throw new Error(`expected an order to run, found ${order.kind}`)
  return order.settings
}

it('runs the example when nothing is asked for', () => {
  expect(settings([])).toEqual({
    paths: ['/vigil/example'],
    data: '/home/me/.vigil',
    host: '127.0.0.1',
    port: 9100,
    hooks: undefined,
    logLevel: 'info',
    json: false,
    auth: true,
    config: undefined,
    example: true,
  })
})

it('takes flags, relative to where the user stands', () => {
  const argv = [
    'fleet',
    '/abs/a.agent',
    '--data',
    'd',
    '--host',
    '::1',
    '--port',
    '0',
    '--log-level',
    'debug',
    '--json',
    '--no-auth',
  ]
  expect(settings(argv)).toEqual({
    paths: ['/home/me/fleet', '/abs/a.agent'],
    data: '/home/me/d',
    host: '::1',
    port: 0,
    logLevel: 'debug',
    json: true,
    auth: false,
    config: undefined,
    example: false,
  })
})

it('takes the environment where no flag is given', () => {
  const env = { VIGIL_DATA: ':memory:', VIGIL_HOST: '0.0.0.0', VIGIL_PORT: '81' }
  expect(settings(['--config', 'fleet.yaml'])).toMatchObject({
    config: '/home/me/fleet.yaml',
    paths: [],
    example: false,
  })
  expect(settings([], env)).toMatchObject({ paths: [], data: ':memory:', host: '0.0.0.0', port: 81, example: false })
  expect(settings(['--data', 'x', '--port', '82'], env)).toMatchObject({ data: '/home/me/x', port: 82 })
})

it('listens for webhooks alone where it is told', () => {
  expect(settings(['--hooks-listen', '0.0.0.0:9200'])).toMatchObject({ hooks: { host: '0.0.0.0', port: 9_200 } })
  expect(settings(['--hooks-listen', '[::1]:0'])).toMatchObject({ hooks: { host: '::1', port: 0 } })
})

it('lets what is set win over the env file', () => {
  const order = read(['--env-file', 'my.env', '--data', 'd'], { SHARED: 'set' })
  expect(order).toMatchObject({ settings: { port: 7 }, env: { FROM_FILE: '/home/me/my.env', SHARED: 'set' } })
})

it('validates without running', () => {
  expect(read(['validate', 'a.agent', 'b', '--json'])).toMatchObject({
    kind: 'validate',
    paths: ['/home/me/a.agent', '/home/me/b'],
    json: true,
  })
})

it.each([
  [['--port', '99999'], '--port: expected a number from 0 to 65535, found "99999"'],
  [['--port', 'x'], '--port: expected a number'],
  [['--hooks-listen', '9200'], '--hooks-listen: expected HOST:PORT, found "9200"'],
  [['--hooks-listen', 'x:99999'], '--hooks-listen: expected a number from 0 to 65535'],
  [['--prot', '1'], "unknown option '--prot'"],
  [['--log-level', 'loud'], 'Allowed choices are debug, info'],
  [['--no-auth', '--host', '0.0.0.0'], '--no-auth: expected a loopback host, found 0.0.0.0'],
  [['validate'], "missing required argument 'paths'"],
])('refuses %j', (argv, message) => {
  expect(() => read(argv)).toThrow(
    expect.objectContaining({ code: 'INVALID_ARGUMENT', message: expect.stringContaining(message) }),
  )
})
