import { expect } from 'chai'
import fc from 'fast-check'
import { crc32 } from '../../../lib/codec/checksum.js'
import {
  decodeSnapshotChunk,
  SNAPSHOT_CHUNK_BYTES_MAX,
  SnapshotChunkWriter,
  type SnapshotEntry,
} from '../../../lib/codec/snapshot-chunk.js'
import { hasCode, ZooKeeperError } from '../../../lib/model/errors.js'
import { bytes, text } from '../../helpers/arbitraries.js'

function chunksOf(entries: readonly SnapshotEntry[]): Uint8Array[] {
  const writer = new SnapshotChunkWriter()
  const chunks = entries.map(entry => writer.add(entry.kind, entry.key, entry.value))
  return [...chunks, writer.end()].filter(chunk => chunk !== undefined)
}
const entriesOf = (chunks: readonly Uint8Array[]) => chunks.flatMap(chunk => [...decodeSnapshotChunk(chunk)])
const entry: fc.Arbitrary<SnapshotEntry> = fc.record({
  kind: fc.constantFrom('node', 'session'),
  key: text,
  value: bytes,
})
const refuses = (act: () => unknown) => expect(act).to.throw(ZooKeeperError).with.property('code', 'DATA_CORRUPT')

describe('snapshot chunk', () => {
  it('R5: gives back its entries in order, over as many chunks as they need', () => {
    fc.assert(
      fc.property(fc.array(entry, { maxLength: 60 }), entries => {
        const chunks = chunksOf(entries)
        expect(entriesOf(chunks)).to.deep.equal(entries)
        expect(chunksOf(entriesOf(chunks))).to.deep.equal(chunks)
        for (const chunk of chunks) expect(chunk.length).to.be.at.most(SNAPSHOT_CHUNK_BYTES_MAX)
      }),
      { numRuns: 50 },
    )
  })

  it('fills chunks, and never past 256 KiB', () => {
    const entries = Array.from({ length: 5000 }, (_, i) => ({
      kind: 'node' as const,
      key: `/n${i}`,
      value: new Uint8Array(200 + (i % 50)),
    }))
    const chunks = chunksOf(entries)
    for (const chunk of chunks) expect(chunk.length).to.be.at.most(SNAPSHOT_CHUNK_BYTES_MAX)
    for (const chunk of chunks.slice(0, -1)) expect(chunk.length).to.be.above(SNAPSHOT_CHUNK_BYTES_MAX - 300)
    expect(entriesOf(chunks)).to.deep.equal(entries)
  })

  it('is full at 256 KiB to the byte', () => {
    const filling = (bytes: number) =>
      chunksOf([
        { kind: 'node', key: '/a', value: new Uint8Array(1000) },
        { kind: 'node', key: '/b', value: new Uint8Array(bytes) },
      ])
    const rest = SNAPSHOT_CHUNK_BYTES_MAX - 9 - (9 + 2 + 1000) - (9 + 2)
    expect(filling(rest).map(chunk => chunk.length)).to.deep.equal([SNAPSHOT_CHUNK_BYTES_MAX])
    expect(filling(rest + 1)).to.have.length(2)
  })

  it('sends an entry larger than a chunk alone', () => {
    const small = { kind: 'node' as const, key: '/s', value: new Uint8Array(10) }
    const large = { kind: 'node' as const, key: '/l', value: new Uint8Array(1_048_576) }
    const chunks = chunksOf([small, large, small])
    expect(chunks.map(chunk => decodeSnapshotChunk(chunk))).to.deep.equal([[small], [large], [small]])
  })

  it('has nothing to say when nothing was added', () => {
    expect(new SnapshotChunkWriter().end()).to.equal(undefined)
  })

  it('D9: notices every changed bit and every cut', () => {
    const chunk = chunksOf([
      { kind: 'node', key: '/é', value: Uint8Array.of(1, 2) },
      { kind: 'session', key: '0100000000000001', value: Uint8Array.of(3) },
    ])[0]!
    for (let at = 0; at < chunk.length; at++) {
      for (let bit = 1; bit <= 0x80; bit *= 2) {
        const damaged = Uint8Array.from(chunk)
        damaged[at]! ^= bit
        refuses(() => decodeSnapshotChunk(damaged))
      }
      refuses(() => decodeSnapshotChunk(chunk.subarray(0, at)))
    }
  })

  it('R5: takes nothing but the canonical form, even under a right checksum', () => {
    const chunk = chunksOf([{ kind: 'node', key: '/é', value: Uint8Array.of(1, 2) }])[0]!
    for (let at = 1; at < chunk.length - 4; at++) {
      for (let byte = 0; byte <= 0xff; byte++) {
        const changed = Uint8Array.from(chunk)
        changed[at] = byte
        new DataView(changed.buffer).setUint32(changed.length - 4, crc32(changed, 0, changed.length - 4))
        try {
          expect(chunksOf(entriesOf([changed]))).to.deep.equal([changed])
        } catch (error) {
          if (!hasCode(error, 'DATA_CORRUPT')) throw error
        }
      }
    }
  })
})
