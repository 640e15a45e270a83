/**
 * How an application's values become the bytes of a znode and back.
 *
 * Always holds: `undefined` and a znode without data (null) stand for each other and no codec sees them; a codec that fails
 * is a CODEC_ERROR with the failure as its cause, and nothing was sent; bytes that a replica keeps never reach an application.
 * Before: client.ts. The cbor codec is composed at the rim with `makeCodec`, for the client knows no encoder.
 */
import { ZooKeeperError } from '../model/errors.js'

/**
 * A pair of pure functions. `encode` returns bytes that nobody changes afterwards; `decode` neither keeps nor changes
 * the bytes it is given (they may be the replica's own): copy what must live on, or let `makeCodec` copy.
 */
export interface Codec<T> {
  /** For messages. */
  readonly name: string
  encode(value: T): Uint8Array
  decode(bytes: Uint8Array): T
}

/**
 * A codec from two functions. The bytes given to `decode` are a private copy, so it may return views onto them.
 *
 * @example const cbor = makeCodec('cbor', encodeCbor, decodeCbor)
 * @throws BAD_OPTIONS when the name is no string or one of the others no function
 */
export function makeCodec<T>(
  name: string,
  encode: (value: T) => Uint8Array,
  decode: (bytes: Uint8Array) => T,
): Codec<T> {
  if (typeof name !== 'string' || typeof encode !== 'function' || typeof decode !== 'function') {
    throw new ZooKeeperError('BAD_OPTIONS', 'makeCodec takes a name and two functions: makeCodec(name, encode, decode)')
  }
  return Object.freeze({ name, encode, decode: (bytes: Uint8Array) => decode(Uint8Array.from(bytes)) })
}

/** Bytes as they are, copied in both directions. The default of a client. */
export const raw: Codec<Uint8Array> = Object.freeze({
  name: 'raw',
  encode(value: Uint8Array) {
    if (!(value instanceof Uint8Array)) throw new TypeError('not a Uint8Array')
    return Uint8Array.from(value)
  },
  decode: (bytes: Uint8Array) => Uint8Array.from(bytes),
})

/** Strings as UTF-8. Bytes that are not UTF-8 are refused, not replaced. */
export const text: Codec<string> = Object.freeze({
  name: 'text',
  encode(value: string) {
    if (typeof value !== 'string') throw new TypeError('not a string')
    return new TextEncoder().encode(value)
  },
  decode: decodeUtf8,
})

/**
 * Values as JSON. Its type is checked by nobody: name what your znodes hold with `codec: json as Codec<MyType>`.
 */
// biome-ignore lint/suspicious/noExplicitAny: what JSON holds is known to the application alone
export const json: Codec<any> = Object.freeze({
  name: 'json',
  encode(value: unknown) {
    const encoded: string | undefined = JSON.stringify(value)
    if (encoded === undefined) throw new TypeError('JSON has no such value')
    return new TextEncoder().encode(encoded)
  },
  decode: (bytes: Uint8Array): unknown => JSON.parse(decodeUtf8(bytes)),
})

/** The bytes of a value, checked. */
export function encodeValue<T>(codec: Codec<T>, value: T | undefined, path: string): Uint8Array | null {
  if (value === undefined) return null
  try {
    const bytes: unknown = codec.encode(value)
    if (bytes instanceof Uint8Array) return bytes
  } catch (cause) {
    throw new ZooKeeperError('CODEC_ERROR', `the ${codec.name} codec cannot encode the value for ${path}`, {
      path,
      cause,
    })
  }
  throw new ZooKeeperError('CODEC_ERROR', `the ${codec.name} codec did not return a Uint8Array for ${path}`, { path })
}

/** The value of a znode's bytes. */
export function decodeValue<T>(codec: Codec<T>, data: Uint8Array | null, path: string): T | undefined {
  if (data === null) return undefined
  try {
    return codec.decode(data)
  } catch (cause) {
    throw new ZooKeeperError('CODEC_ERROR', `the data of ${path} is not what the ${codec.name} codec can decode`, {
      path,
      cause,
    })
  }
}

function decodeUtf8(bytes: Uint8Array): string {
  return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
}
