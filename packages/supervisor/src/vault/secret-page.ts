/**
 * The bytes of one secret in memory that threads share and nobody copies: a word that says whether it may be used, then
 * the bytes. Whoever takes them looks at the word before and after: a page that is zeroed in between was never sent.
 */
const headBytes = Int32Array.BYTES_PER_ELEMENT

/**
 * Memory for bytes that are zeroed when they are not needed any more. Up to 64 bytes node keeps a Buffer in V8's heap, and its collector leaves copies behind
 * of what it moves.
 */
export const fixedMemory = (length: number): Buffer => Buffer.from(new ArrayBuffer(length))

/** The bytes that are given are zeroed: the page is the only place where they are left. */
export function secretPage(bytes: Uint8Array): SharedArrayBuffer {
  const page = pageOf(bytes)
  bytes.fill(0)
  return page
}

/** A page of its own with the same bytes, live even after the first is zeroed. */
export const copyOf = (page: SharedArrayBuffer): SharedArrayBuffer => pageOf(secretBytes(page))

function pageOf(bytes: Uint8Array): SharedArrayBuffer {
  const page = new SharedArrayBuffer(headBytes + bytes.byteLength)
  new Uint8Array(page, headBytes).set(bytes)
  Atomics.store(new Int32Array(page, 0, 1), 0, 1)
  return page
}

export const isLive = (page: SharedArrayBuffer): boolean => Atomics.load(new Int32Array(page, 0, 1), 0) === 1

/** A view: valid as long as the page is live. */
export const secretBytes = (page: SharedArrayBuffer): Uint8Array => new Uint8Array(page, headBytes)

export function zero(page: SharedArrayBuffer): void {
  Atomics.store(new Int32Array(page, 0, 1), 0, 0)
  secretBytes(page).fill(0)
}
