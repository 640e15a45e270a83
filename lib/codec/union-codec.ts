/**
 * A discriminated union as fixed-shape arrays `[type, ...items]`. Each kind states its number, how many items follow, and how they are
 * written and read, side by side; the table is total by its type, so a new kind does not compile until it has its row.
 * Numbers are for ever: a kind that goes leaves a hole. Used for messages, requests and txns.
 */
import { invariant } from '../model/invariant.js'
import type { CborReader } from './cbor-reader.js'
import type { CborWriter } from './cbor-writer.js'

export interface Shape<T> {
  readonly type: number
  /** Items behind the type. */
  readonly items: number
  /** What a later version has added at the end, and may be absent: how many items this value has of it, of how many there can be. */
  readonly added?: { readonly max: number; of(value: T): number }
  write(writer: CborWriter, value: T): void
  /** `added`: how many of the added items are there. */
  read(reader: CborReader, added: number): T
}

export type Shapes<U extends { readonly kind: string }> = {
  readonly [K in U['kind']]: Shape<Extract<U, { readonly kind: K }>>
}

export class UnionCodec<U extends { readonly kind: string }> {
  private readonly byKind: Readonly<Record<string, Shape<U>>>
  private readonly byType: (Shape<U> | undefined)[] = []

  constructor(shapes: Shapes<U>) {
    this.byKind = shapes as unknown as Record<string, Shape<U>>
    for (const shape of Object.values(this.byKind)) {
      invariant(this.byType[shape.type] === undefined, `two kinds have number ${shape.type}`)
      this.byType[shape.type] = shape
    }
  }

  write(writer: CborWriter, value: U): void {
    const shape = this.byKind[value.kind]
    invariant(shape !== undefined, `no shape for ${value.kind}`)
    writer.array(1 + shape.items + (shape.added?.of(value) ?? 0))
    writer.uint(shape.type)
    shape.write(writer, value)
  }

  read(reader: CborReader): U {
    const items = reader.array()
    const type = reader.uint()
    const shape = type < this.byType.length ? this.byType[type] : undefined
    if (shape === undefined) return reader.fail('unknown type number')
    const added = items - 1 - shape.items
    if (added < 0 || added > (shape.added?.max ?? 0)) return reader.fail('another number of items than its type has')
    return shape.read(reader, added)
  }
}
