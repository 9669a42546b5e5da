import type { FileSystem } from '@vigil/protocol'
import { expect, test } from 'vitest'
import { bundleStore } from './bundle-store.ts'

const large = { hash: 'large', code: `/*${'x'.repeat(40_000)}*/` }
const small = { hash: 'small', code: '0' }

function store(compile: (source: string) => Promise<string> = async (source) => `cache of ${source.length}`) {
  const compiled: string[] = []
  const bundles = bundleStore(
    {} as FileSystem,
    {
      compile(source) {
        compiled.push(source)
        return compile(source)
      },
    },
    undefined,
  )
  return { bundles, compiled }
}

const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

test('a large bundle is compiled when it is asked for again, and comes with its cache from then on', async () => {
  const { bundles, compiled } = store()
  await bundles.put(large)
  expect(await bundles.get('large')).toEqual(large)
  await settled()
  expect(compiled).toEqual([])
  // All at once: compiled once, and nobody waits for it.
  expect(await Promise.all([bundles.get('large'), bundles.get('large')])).toEqual([large, large])
  await settled()
  expect(compiled).toHaveLength(1)
  expect(await bundles.get('large')).toEqual({ ...large, codeCache: `cache of ${compiled[0]?.length}` })
  await bundles.get('large')
  await settled()
  expect(compiled).toHaveLength(1)
})

test.each([
  small,
  // It would not fit into a frame with its cache: the cell would take the frame for forged and end.
  { hash: 'huge', code: ' '.repeat(4_000_001) },
])('a $hash bundle is never compiled', async (bundle) => {
  const { bundles, compiled } = store()
  await bundles.put(bundle)
  for (let time = 0; time < 4; time += 1) expect(await bundles.get(bundle.hash)).toEqual(bundle)
  expect(compiled).toEqual([])
})

test('who cannot be compiled goes without a cache', async () => {
  const { bundles } = store(() => Promise.reject(new Error('no')))
  await bundles.put(large)
  for (let time = 0; time < 4; time += 1) {
    expect(await bundles.get('large')).toEqual(large)
    await settled()
  }
})
