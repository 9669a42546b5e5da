import { createCipheriv, createDecipheriv, createHmac } from 'node:crypto'
import { type Random, VigilError } from '@vigil/protocol'
import { fixedMemory, secretBytes, secretPage } from './secret-page.ts'

/** Which secret it is: what was sealed for one place opens in no other. */
export interface SealedPlace {
  readonly process: string
  readonly name: string
  readonly version: number
}

/**
 * One secret as bytes for a disk: AES-256-GCM over a pad and the secret masked with it. The buffers of a cipher cannot be zeroed
 * from here, so the secret itself is never in one.
 */
const magic = Buffer.from('vigil-sealed-1\n')
const [keyIdBytes, nonceBytes, tagBytes] = [8, 12, 16]
const headBytes = magic.length + keyIdBytes + nonceBytes

export function seal(
  { key, random }: { readonly key: SharedArrayBuffer; readonly random: Random },
  place: SealedPlace,
  page: SharedArrayBuffer,
): Uint8Array {
  const secret = secretBytes(page)
  const pad = random.bytes(secret.length)
  const nonce = random.bytes(nonceBytes)
  const cipher = createCipheriv('aes-256-gcm', secretBytes(key), nonce).setAAD(aad(place))
  const sealed = Buffer.concat([cipher.update(Buffer.concat([pad, masked(secret, pad)])), cipher.final()])
  pad.fill(0)
  return Buffer.concat([magic, keyId(key), nonce, sealed, cipher.getAuthTag()])
}

/** @throws VAULT_KEY_WRONG it was sealed with another key · VAULT_DAMAGED it is not what was sealed for this place */
export function unseal(key: SharedArrayBuffer, place: SealedPlace, sealed: Uint8Array): SharedArrayBuffer {
  const bytes = Buffer.from(sealed.buffer, sealed.byteOffset, sealed.byteLength)
  const what = `version ${place.version} of the secret ${place.name} of ${place.process}`
  if (bytes.length < headBytes + tagBytes || !bytes.subarray(0, magic.length).equals(magic))
    throw new VigilError('VAULT_DAMAGED', `expected ${what}, found a file that is none`)
  if (!bytes.subarray(magic.length, magic.length + keyIdBytes).equals(keyId(key)))
    throw new VigilError('VAULT_KEY_WRONG', `expected the key that ${what} was sealed with, found another`)
  const nonce = bytes.subarray(headBytes - nonceBytes, headBytes)
  const decipher = createDecipheriv('aes-256-gcm', secretBytes(key), nonce)
    .setAAD(aad(place))
    .setAuthTag(bytes.subarray(-tagBytes))
  try {
    const opened = Buffer.concat([decipher.update(bytes.subarray(headBytes, -tagBytes)), decipher.final()])
    const half = opened.length / 2
    const page = secretPage(masked(opened.subarray(half), opened.subarray(0, half)))
    opened.fill(0)
    return page
  } catch (error) {
    throw new VigilError('VAULT_DAMAGED', `expected ${what}, found bytes that were changed`, { cause: error })
  }
}

/** In memory of its own: a small Buffer would lie in V8's heap, whose collector leaves copies of what it moves. */
function masked(bytes: Uint8Array, pad: Uint8Array): Uint8Array {
  const target = fixedMemory(bytes.length)
  for (const [k, byte] of bytes.entries()) target[k] = byte ^ (pad[k] as number)
  return target
}

const keyId = (key: SharedArrayBuffer): Buffer =>
  createHmac('sha256', secretBytes(key)).update('vigil key').digest().subarray(0, keyIdBytes)

const aad = ({ process, name, version }: SealedPlace): Buffer => Buffer.from(JSON.stringify([process, name, version]))
