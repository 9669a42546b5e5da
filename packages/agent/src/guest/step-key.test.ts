import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { canonicalJson, stepKeys } from './step-key.ts'

const shuffled = (value: unknown): unknown => {
  if (Array.isArray(value)) return value.map(shuffled)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(value)
      .reverse()
      .map(([key, inner]) => [key, shuffled(inner)]),
  )
}

describe('canonical JSON', () => {
  it('says the same as JSON, whatever order the keys came in', () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 4 }), (value) => {
        expect(JSON.parse(canonicalJson(value))).toEqual(JSON.parse(JSON.stringify(value)))
        expect(canonicalJson(shuffled(value))).toBe(canonicalJson(value))
      }),
    )
  })

  it('has different texts for different data', () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.jsonValue(), (a, b) => {
        const same = JSON.stringify(shuffled(shuffled(a))) === JSON.stringify(shuffled(shuffled(b)))
        if (canonicalJson(a) === canonicalJson(b))
          expect(JSON.parse(canonicalJson(a))).toEqual(JSON.parse(canonicalJson(b)))
        else expect(same).toBe(false)
      }),
    )
  })
})

describe('step keys', () => {
  const names = fc.array(
    fc.tuple(fc.constantFrom('', 'step:a#0', 'step:a#0/step:b#1'), fc.string({ maxLength: 300 })),
    { maxLength: 40 },
  )

  it('are unique in a turn, bounded and the same in the next life', () => {
    fc.assert(
      fc.property(names, (asked) => {
        const life = () => {
          const keys = stepKeys()
          return asked.flatMap(([scope, name]) => [
            keys.byName(scope, 'step', name),
            keys.byInput(scope, 'publish', name, { name }),
          ])
        }
        const keys = life()
        expect(new Set(keys).size).toBe(keys.length)
        expect(life()).toEqual(keys)
        for (const key of keys) expect(key.length).toBeLessThan(400)
      }),
    )
  })

  it('do not depend on the order in which different calls are made', () => {
    const one = stepKeys()
    const other = stepKeys()
    const a = one.byInput('', 'publish', 't', { n: 1 })
    const b = one.byInput('', 'publish', 't', { n: 2 })
    expect([other.byInput('', 'publish', 't', { n: 2 }), other.byInput('', 'publish', 't', { n: 1 })]).toEqual([b, a])
  })

  it('keep a name from looking like a place inside another step', () => {
    const keys = stepKeys()
    expect(keys.byName('', 'step', 'a#0/step:b')).toBe('step:a%230%2fstep:b#0')
    expect(keys.byName('step:a#0', 'step', 'b')).toBe('step:a#0/step:b#0')
  })
})
