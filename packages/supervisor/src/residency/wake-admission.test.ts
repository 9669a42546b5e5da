import { expect, test } from 'vitest'
import { type Stay, wakeAdmission } from './wake-admission.ts'

/** Lives with names: who was let in, in order, and who was asked to rest. */
function house(limits: { starting: number; resident: number }) {
  const admission = wakeAdmission(limits)
  const entered: string[] = []
  const asked: string[] = []
  const enter = (name: string): Stay & { idles(): void } => {
    const stay = admission.enter(() => entered.push(name))
    return Object.assign(stay, { idles: () => stay.idle(() => asked.push(name)) })
  }
  return { admission, entered, asked, enter }
}

test('so many begin at a time, the others in the order of asking', () => {
  const { entered, enter, admission } = house({ starting: 2, resident: 10 })
  const [a, b] = ['a', 'b', 'c', 'd'].map(enter)
  expect(entered).toEqual(['a', 'b'])
  expect(admission.waiting).toBe(2)
  b?.started()
  expect(entered).toEqual(['a', 'b', 'c'])
  a?.left()
  expect(entered).toEqual(['a', 'b', 'c', 'd'])
})

test('no more live than there is room for; who leaves makes room', () => {
  const { entered, enter } = house({ starting: 9, resident: 2 })
  const [a] = ['a', 'b', 'c'].map(enter)
  expect(entered).toEqual(['a', 'b'])
  a?.started()
  expect(entered).toEqual(['a', 'b'])
  a?.left()
  expect(entered).toEqual(['a', 'b', 'c'])
})

test('the longest idle is asked to make room, once, and no more of them than are needed', () => {
  const { entered, asked, enter } = house({ starting: 9, resident: 3 })
  const [a, b, c] = ['a', 'b', 'c'].map((name) => {
    const stay = enter(name)
    stay.started()
    return stay
  })
  b?.idles()
  a?.idles()
  c?.idles()
  expect(asked).toEqual([])
  enter('d')
  expect(asked).toEqual(['b'])
  b?.idles()
  expect(asked).toEqual(['b'])
  b?.left()
  expect(entered).toEqual(['a', 'b', 'c', 'd'])
  enter('e')
  expect(asked).toEqual(['b', 'a'])
})

test('who is busy again is not asked; who becomes idle while others wait is asked at once', () => {
  const { asked, enter } = house({ starting: 9, resident: 1 })
  const a = enter('a')
  a.started()
  a.idles()
  a.busy()
  enter('b')
  expect(asked).toEqual([])
  a.idles()
  expect(asked).toEqual(['a'])
})

test('who gives up while waiting is forgotten', () => {
  const { entered, enter } = house({ starting: 1, resident: 1 })
  const a = enter('a')
  const b = enter('b')
  enter('c')
  b.left()
  a.left()
  expect(entered).toEqual(['a', 'c'])
})
