import { expect, it } from 'vitest'
import { checkManifest } from './problems.ts'

const least = { name: 'a', entrypoint: './a.ts' }

it.each<[object, (string | number)[], string]>([
  [
    { ...least, files: { all: { path: './a/', mode: 'rw' }, in: 'a/b/../in' } },
    ['files', 'in'],
    'expected a path outside of ./a/, because files.all may be written',
  ],
  [
    { ...least, files: { in: '/a', out: { path: '/a', mode: 'rw' } } },
    ['files', 'in'],
    'expected a path outside of /a, because files.out may be written',
  ],
  [
    { ...least, files: { in: './in', all: { path: '..', mode: 'rw' } } },
    ['files', 'in'],
    'expected a path outside of .., because files.all may be written',
  ],
  [
    { ...least, files: { all: '.' }, secrets: { key: { file: './keys/key' } } },
    ['files', 'all'],
    'expected a path without the file of secrets.key, which the agent may not have, found .',
  ],
  [
    { ...least, permissions: { fs_read: ['./in', '/run/../run'] }, secrets: { key: { file: '/run/secrets/key' } } },
    ['permissions', 'fs_read', 1],
    'expected a path without the file of secrets.key',
  ],
  [
    {
      ...least,
      permissions: { fs_write: ['/'] },
      triggers: [{ webhook: '/a', verify_hmac: true, secret: { file: '/run/hook' } }],
    },
    ['permissions', 'fs_write', 0],
    'expected a path without the file of triggers.0.secret',
  ],
  [
    {
      ...least,
      files: { in: './in' },
      approval: { notify: { webhook_url: 'https://a.example', format: 'standard', secret: { file: 'in/../in/s' } } },
    },
    ['files', 'in'],
    'expected a path without the file of approval.notify.secret',
  ],
])('paths that give more than it seems are refused with their place %#', (raw, path, message) => {
  const check = checkManifest(raw)
  expect(check).toMatchObject({ ok: false, problems: [{ path, message: expect.stringContaining(message) }] })
})

it('what only looks like it is taken', () => {
  const files = { all: '.', out: { path: './out', mode: 'rw' }, output: './output', up: '../out', root: '/../out' }
  expect(checkManifest({ ...least, files, secrets: { key: { file: '../keys/key' } } }).ok).toBe(true)
  expect(checkManifest({ ...least, isolation: 'thread', permissions: { fs_read: [], addons: false } }).ok).toBe(true)
})
