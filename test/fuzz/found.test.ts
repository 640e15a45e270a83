/** What the fuzz has found, input by input: each was accepted, or cost more than it may, and must end with the error of its decoder. */
import { expect } from 'chai'
import { crc32 } from '../../lib/codec/checksum.js'
import { ZooKeeperError } from '../../lib/model/errors.js'
import { maskedCrc32c, viewOf } from '../../lib/storage/level/crc32c.js'
import { decodeIdentity, encodeIdentity } from '../../lib/storage/level/identity.js'
import { readManifest } from '../../lib/storage/level/manifest.js'
import { uncompress } from '../../lib/storage/level/snappy.js'
import { verifyTable } from '../../lib/storage/level/table-file.js'
import { decoders } from './decoders.js'

const found: readonly (readonly [what: string, decoder: string, hex: string])[] = [
  [
    'a znode without an ACL passed for one with an empty one',
    'znode',
    '0190f6011afffffff218181affffffff1acc36a2dd1a3e184355001a800000001a001fffff1affffffff0c1a0a08df9b2d821a0001000000dc8f2d61',
  ],
  [
    'a path of the tree that is not UTF-8 was read as another one',
    'tree entry',
    '000000001c2f7026ff20534e5c433e4146332f7a6fc3ab2f5f5f70726f746f5f5fe82b88e6019057070707070707070707070707070707070707070707070719' +
      'ffff1a1f504c091a147b4166011a6b37fbb21aa3f124351a000df1021aa0d535e31a00140c291a97c1815a39ffff3a74316636181c821a000100001ae7edb52580800cc3fc',
  ],
  [
    'a mark with a number beyond 53 bits was read as another one',
    'durable mark',
    '0100800000000000010d4106548fbe3e807ffffffffffffff11270cb76f18dd054',
  ],
  [
    'a checkpoint of a time beyond 53 bits was read as another one',
    'checkpoint record',
    '02000000ffe9408700000000eb000000ffffffffff008000000000ffff7f1f434c0000000000010100189b8987000000018d9442dc',
  ],
  [
    'a checkpoint that is neither packed nor not passed for not packed',
    'checkpoint record',
    '02afe7cf6d000000016b4b98d10000ffff0000001700000000000000ff28bb570b0532ad220b1c86f100000009000080019d07fe39',
  ],
  ['an integer that no codec could write again was read', 'CBOR of an application', '3bffffffffffffffff'],
]

function resealed(bytes: Buffer): Buffer {
  bytes.writeUInt32LE(maskedCrc32c(viewOf(bytes), 6, bytes.length), 0)
  return bytes
}

/** The CPU time of the fastest of three calls. */
function msOf(call: () => unknown): number {
  const times = [1, 2, 3].map(() => {
    const began = process.cpuUsage()
    call()
    const { user, system } = process.cpuUsage(began)
    return (user + system) / 1000
  })
  return Math.min(...times)
}

describe('what the fuzz has found', () => {
  for (const [what, name, hex] of found) {
    it(`R5: ${what}`, () => {
      const decoder = decoders.find(each => each.name === name)!
      let error: unknown
      try {
        decoder.decode(Buffer.from(hex, 'hex'))
      } catch (thrown) {
        error = thrown
      }
      expect(error !== undefined && decoder.isTyped(error), String(error)).to.equal(true)
    })
  }

  it('R5: the integer above that one is read', () => {
    const decoder = decoders.find(each => each.name === 'CBOR of an application')!
    expect(decoder.decode(Buffer.from('3bfffffffffffffffe', 'hex'))).to.equal(1n - 2n ** 64n)
  })

  it('R5: an identity has one form: no other spaces, numbers or further lines, and no bytes that are not UTF-8', () => {
    const good = encodeIdentity({ ensemble: 'zoë', peer: 7 as never, incarnation: 'ab'.repeat(16) })
    const text = good.toString('latin1').slice(0, good.toString('latin1').lastIndexOf('crc32 '))
    const sealed = (changed: string): Buffer => {
      const bytes = Buffer.from(changed, 'latin1')
      // Over the text as it is read, as the decoder does.
      const sum = crc32(Buffer.from(bytes.toString('utf8')))
      return Buffer.concat([bytes, Buffer.from(`crc32 ${sum.toString(16).padStart(8, '0')}\n`)])
    }
    expect(decodeIdentity(sealed(text), 'identity').peer).to.equal(7)
    const others = [
      text.replace('peer 7', 'peer 7.0'),
      text.replace('peer 7', 'peer  7'),
      text.replace('format 1', 'format 01'),
      text.replace('"zo', ' "zo'),
      text.replace('"zo', '"\\u007ao').replace('zzo', 'zo'),
      text.replace('"zo', '"\xff'),
      `${text}another line\n`,
    ]
    for (const other of others) {
      expect(() => decodeIdentity(sealed(other), 'identity'), other).to.throw(ZooKeeperError, 'is damaged')
    }
  })

  it('R5: Snappy that announces more than it can make is refused before anything is made', () => {
    const bytes = Buffer.from([0xff, 0xff, 0xff, 0x7f, 0x00, 0x01])
    const before = process.memoryUsage().arrayBuffers
    expect(uncompress(bytes, 2 ** 28)).to.equal(undefined)
    expect(process.memoryUsage().arrayBuffers - before).to.be.below(2 ** 20)
  })

  it('R5: a MANIFEST of many small fragments takes time in proportion', () => {
    const fragment = (type: number) => resealed(Buffer.from([0, 0, 0, 0, 0, 0, type]))
    const middle = fragment(3)
    // Blocks of 32 KiB hold 4681 of them, and a byte that nothing begins in.
    const block = (first: Buffer) => Buffer.concat([first, ...Array<Buffer>(4680).fill(middle), Buffer.alloc(1)])
    const bytes = Buffer.concat([block(fragment(2)), ...Array<Buffer>(15).fill(block(middle))])
    // In half a megabyte; it took half a minute.
    expect(msOf(() => expect(() => readManifest(bytes)).to.throw('its first record is missing'))).to.be.below(500)
  })

  it('R5: a table whose index names one block again and again is refused before that is verified each time', () => {
    const data = Buffer.alloc(256 * 1024)
    const varint = (value: number): number[] =>
      value < 128 ? [value] : [(value & 0x7f) | 0x80, ...varint(Math.floor(value / 128))]
    const block = (contents: Buffer): Buffer => {
      const bytes = Buffer.concat([contents, Buffer.alloc(5)])
      bytes.writeUInt32LE(maskedCrc32c(viewOf(bytes), 0, contents.length + 1), contents.length + 1)
      return bytes
    }
    const handle = [...varint(0), ...varint(data.length)]
    const entry = [0, 1, handle.length, 0x61, ...handle]
    const index = block(
      Buffer.concat([...Array<Buffer>(2000).fill(Buffer.from(entry)), Buffer.from([0, 0, 0, 0, 1, 0, 0, 0])]),
    )
    const metaindex = block(Buffer.from([0, 0, 0, 0, 1, 0, 0, 0]))
    const first = block(data)
    const footer = Buffer.alloc(48)
    Buffer.from([
      ...[...varint(first.length), ...varint(metaindex.length - 5)],
      ...[...varint(first.length + metaindex.length), ...varint(index.length - 5)],
    ]).copy(footer)
    footer.writeUInt32LE(0x8b80fb57, 40)
    footer.writeUInt32LE(0xdb477524, 44)
    const table = Buffer.concat([first, metaindex, index, footer])
    expect(msOf(() => expect(() => verifyTable(table)).to.throw('no block is at byte'))).to.be.below(100)
  })
})
