import { expect } from 'chai'
import { zxid } from '../../../../lib/model/zxid.js'
import {
  type CheckpointRecord,
  checkpointOperation,
  decodeCheckpoint,
} from '../../../../lib/storage/level/checkpoint-record.js'
import { encodeWords } from '../../../../lib/storage/level/fixed-record.js'

const record: CheckpointRecord = {
  generation: 1,
  number: 2,
  journalChunks: 3,
  zxid: zxid(4, 5),
  time: 6 * 2 ** 32 + 7,
  digest: { high: 8, low: 9, system: { high: 13, low: 14 } },
  chainBase: zxid(10, 11),
  packed: true,
}
/** In the order of docs/format.md; packed is the twelfth, the digest of the system znodes the last two. */
const words = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 1, 13, 14]

function written(value: CheckpointRecord): Uint8Array {
  const operation = checkpointOperation(value)
  return operation.type === 'put' ? operation.value : expect.fail('it is put')
}

describe('checkpoint record', () => {
  it('has the digest of the system znodes since version 3', () => {
    expect(written(record)).to.deep.equal(encodeWords(3, words))
    expect(decodeCheckpoint(written(record), 'it')).to.deep.equal(record)
  })

  it('of earlier versions is read, and says nothing of them', () => {
    const { high, low } = record.digest
    const before = { ...record, digest: { high, low } }
    expect(decodeCheckpoint(encodeWords(2, words.slice(0, 12)), 'it')).to.deep.equal(before)
    expect(decodeCheckpoint(encodeWords(1, words.slice(0, 11)), 'it')).to.deep.equal({ ...before, packed: false })
  })

  it('is of the version before when nobody knows that digest', () => {
    const { high, low } = record.digest
    expect(written({ ...record, digest: { high, low } })).to.deep.equal(encodeWords(2, words.slice(0, 12)))
  })

  it('is refused when it is of a later version, too short, or neither packed nor not', () => {
    const refused = (bytes: Uint8Array | undefined, code: string) =>
      expect(() => decodeCheckpoint(bytes, 'it'))
        .to.throw()
        .with.property('code', code)
    refused(encodeWords(4, words), 'DATA_TOO_NEW')
    refused(encodeWords(3, words.slice(0, 12)), 'DATA_CORRUPT')
    refused(encodeWords(2, words), 'DATA_CORRUPT')
    refused(encodeWords(3, words.with(11, 2)), 'DATA_CORRUPT')
    refused(undefined, 'DATA_CORRUPT')
  })
})
