import { expect, test } from 'vitest'
import { refuseWeakeningOptions } from './node-options.ts'

test.each([
  ['--max-old-space-size=4000'],
  ['--max_old_space_size=4000'],
  ['--inspect'],
  ['--inspect-brk=0.0.0.0:9229'],
  ['--heapsnapshot-near-heap-limit=2'],
  ['--report-on-fatalerror'],
])('max_old_space_flag_on_supervisor_is_refused: %s', (option) => {
  const refused = expect.objectContaining({ code: 'UNSAFE_OPTION', message: expect.stringContaining(option) })
  expect(() => refuseWeakeningOptions([option], undefined)).toThrow(refused)
  expect(() => refuseWeakeningOptions([], `--enable-source-maps ${option}`)).toThrow(refused)
})

test('other options are nobody’s business', () => {
  expect(() => refuseWeakeningOptions(['--enable-source-maps', '--import', 'tsx'], '--no-warnings')).not.toThrow()
  expect(() => refuseWeakeningOptions([], undefined)).not.toThrow()
})
