import { hash } from 'node:crypto'

/**
 * Puts text from outside between two lines of our own. Every line of it begins with `| `, so nothing in it can be such a line;
 * the tag is of this turn, and nobody who wrote the text knew it.
 */
export interface Fence {
  /** `label` says what it is, in words of ours. */
  around(label: string, text: string): string
}

const digits = 16

/** @param salt of the turn: on record, so that each of its lives has the same fence, and drawn when it began, so that no sender knows it */
export function turnFence(salt: string): Fence {
  const bytes = hash('sha256', `fence\n${salt}`, 'buffer').subarray(0, digits)
  // Without 0 and 1, which letters resemble.
  const plain = [...bytes].map((byte) => 2 + (byte % 8)).join('')
  const tag = plain.replace(/\d{4}(?=\d)/g, '$& ')
  const masked = (run: string): string => (plainDigits(run).includes(plain) ? '(masked)' : run)
  return {
    around(label, text) {
      const name = label.replace(/[^\w .-]/g, '_').slice(0, 100)
      const lines = text.replace(longNumber, masked).replace(lineEnd, '$&| ')
      return `<data ${tag} ${name}>\n| ${lines}\n</data ${tag}>`
    },
  }
}

const lineEnd = /\r\n|[\n\v\f\r\u0085\u2028\u2029]/g
/** In any alphabet, and with anything in between that is not seen or that the tag has between its digits. */
const longNumber = /\p{Nd}(?:[\p{Z}\p{C}\p{M}|]*\p{Nd}){15,}/gu
const digit = /\p{Nd}/u

const plainDigits = (run: string): string =>
  [...run]
    .filter((sign) => digit.test(sign))
    .map(digitOf)
    .join('')

/** Unicode has decimal digits in rows of ten, which begin with their zero. */
function digitOf(sign: string): number {
  const code = sign.codePointAt(0) ?? 0
  let before = 0
  while (digit.test(String.fromCodePoint(code - before - 1))) before += 1
  return before % 10
}
