import { expect } from 'chai'
import fc from 'fast-check'
import { decodeMessage, encodeMessage } from '../../../lib/codec/message-codec.js'
import { recordOf } from '../../../lib/codec/record.js'
import type { PeerMessage } from '../../../lib/core/zab/messages.js'
import { hasCode, ZooKeeperError } from '../../../lib/model/errors.js'
import type { SessionId } from '../../../lib/model/ids.js'
import { zxid } from '../../../lib/model/zxid.js'
import { bytes, peerMessage, peerMessages, proposal } from '../../helpers/arbitraries.js'

const frameOf = (message: PeerMessage): Uint8Array => new Uint8Array(Buffer.concat(encodeMessage(message)))
const session = '0100000000000001' as SessionId

/** The one error that a frame may cause; anything else fails the test. */
function outcomeOf(frame: Uint8Array): PeerMessage | undefined {
  try {
    return decodeMessage(frame)
  } catch (error) {
    if (error instanceof ZooKeeperError && error.code === 'PROTOCOL_ERROR') return undefined
    throw error
  }
}
const refuses = (frame: Iterable<number>, why?: string) => {
  expect(() => decodeMessage(Uint8Array.from(frame)), why)
    .to.throw(ZooKeeperError)
    .with.property('code', 'PROTOCOL_ERROR')
}

describe('message codec', () => {
  for (const [kind, arbitrary] of Object.entries(peerMessages)) {
    it(`R5: gives back every ${kind} message as it was`, () => {
      fc.assert(
        fc.property(arbitrary as fc.Arbitrary<PeerMessage>, message => {
          const frame = frameOf(message)
          const decoded = decodeMessage(frame)
          expect(decoded).to.deep.equal(message)
          expect(frameOf(decoded)).to.deep.equal(frame)
        }),
        { numRuns: 100 },
      )
    })
  }

  it('keeps nothing of a frame that is reused, whatever kind of array it is', () => {
    fc.assert(
      fc.property(peerMessage, fc.boolean(), (message, asBuffer) => {
        const inside = frameOf(message)
        const whole = Buffer.alloc(inside.length + 20, 0xaa)
        whole.set(inside, 7)
        const view = whole.subarray(7, 7 + inside.length)
        const decoded = decodeMessage(
          asBuffer ? view : new Uint8Array(whole.buffer, whole.byteOffset + 7, inside.length),
        )
        whole.fill(0xff)
        expect(decoded).to.deep.equal(message)
      }),
    )
  })

  it('sends the record of a proposal as it is, in a part of its own', () => {
    fc.assert(
      fc.property(proposal, entry => {
        const parts = encodeMessage({ kind: 'proposal', proposal: entry })
        expect(parts).to.have.length(2)
        expect(parts[1]).to.equal(recordOf(entry))
        expect(entry.record).to.equal(parts[1])
      }),
    )
  })

  it('hands a received proposal its record, in the very bytes that came', () => {
    fc.assert(
      fc.property(proposal, entry => {
        const sent = recordOf(entry)
        const received = decodeMessage(frameOf({ kind: 'inform', proposal: entry }))
        expect(received.kind === 'inform' && received.proposal.record).to.deep.equal(sent)
      }),
    )
  })

  it('sends a snapshot chunk without copying it', () => {
    fc.assert(
      fc.property(bytes, chunk => {
        expect(encodeMessage({ kind: 'snapshotChunk', bytes: chunk })[1]).to.equal(chunk)
      }),
    )
  })

  it('never changes bytes that it handed out', () => {
    const first = encodeMessage({ kind: 'ack', zxid: zxid(1, 1) })[0]!
    const kept = Uint8Array.from(first)
    for (let i = 0; i < 20_000; i++) encodeMessage({ kind: 'ack', zxid: zxid(2, i) })
    expect(first).to.deep.equal(kept)
  })

  it('refuses every frame that is cut short, and every byte behind the last item', () => {
    fc.assert(
      fc.property(peerMessage, message => {
        const frame = frameOf(message)
        const step = Math.ceil(frame.length / 200)
        for (let length = 0; length < frame.length; length += step) refuses(frame.subarray(0, length), message.kind)
        refuses([...frame, 0], message.kind)
      }),
      { numRuns: 200 },
    )
  })

  it('R5: reads no byte in place of another, unless it stands for another message', () => {
    const samples: PeerMessage[] = [
      { kind: 'ack', zxid: zxid(1, 300) },
      { kind: 'pong', number: 70_000, touched: [session] },
      { kind: 'refused', session, cxid: 5, code: 'NO_NODE' },
      {
        kind: 'request',
        session,
        cxid: 1,
        identities: [{ scheme: 'ip', id: 'é' }],
        request: { kind: 'multi', steps: [{ kind: 'check', path: '/a', version: -1 }] },
      },
    ]
    for (const message of samples) {
      const frame = frameOf(message)
      for (let at = 0; at < frame.length; at++) {
        for (let byte = 0; byte <= 0xff; byte++) {
          const mutated = Uint8Array.from(frame)
          mutated[at] = byte
          const decoded = outcomeOf(mutated)
          // What is accepted is canonical: its only encoding is the frame that came.
          if (decoded !== undefined) expect(frameOf(decoded)).to.deep.equal(mutated)
        }
      }
    }
  })

  it('refuses every initial byte that is outside the subset, wherever an item stands', () => {
    // ack = [15, epoch, counter]: positions of its three items.
    for (let byte = 0x18; byte <= 0xff; byte++) {
      refuses([0x83, byte, 1, 2])
      refuses([0x83, 15, byte, 2])
      refuses([0x83, 15, 1, byte])
      if (byte !== 0x83) refuses([byte, 15, 1, 2])
    }
  })

  const hostile: Record<string, number[]> = {
    'an empty frame': [],
    'an integer in a long form (1 byte)': [0x83, 15, 0x18, 1, 2],
    'an integer in a long form (2 bytes)': [0x83, 15, 0x19, 0, 1, 2],
    'an integer in a long form (4 bytes)': [0x83, 15, 0x1a, 0, 0, 0, 1, 2],
    'a 64-bit integer': [0x83, 15, 0x1b, 0, 0, 0, 0, 0, 0, 0, 1, 2],
    'a 64-bit integer whose low half would do': [0x83, 15, 0x1b, 0, 0, 0, 1, 0, 1, 0, 0, 2],
    'a 64-bit array length': [0x9b, 0, 0, 0, 0, 0, 0, 0, 3, 15, 1, 2],
    'a long array length': [0x98, 3, 15, 1, 2],
    'a negative integer for an unsigned one': [0x83, 15, 0x20, 2],
    'an indefinite array': [0x9f, 15, 1, 2, 0xff],
    'an indefinite byte string': [0x82, 8, 0x5f, 0x41, 1, 0xff],
    'an indefinite text': [0x82, 19, 0x7f, 0x61, 0x61, 0xff],
    'a map': [0xa1, 15, 1],
    'a tagged message': [0xc0, 0x83, 15, 1, 2],
    'a big integer (tag 2)': [0x83, 15, 0xc2, 0x41, 1, 2],
    'a half float': [0x83, 15, 0xf9, 0x3c, 0, 2],
    'a float': [0x83, 15, 0xfa, 0, 0, 0, 0, 2],
    'a double': [0x83, 15, 0xfb, 0, 0, 0, 0, 0, 0, 0, 0, 2],
    undefined: [0x83, 15, 0xf7, 2],
    'a nested array for an integer': [0x83, 15, 0x81, 1, 2],
    'an unknown type number': [0x81, 24],
    'a type number that is a hole': [0x81, 0],
    'a huge type number': [0x81, 0x1a, 0xff, 0xff, 0xff, 0xff],
    'too few items': [0x82, 15, 1],
    'too many items': [0x84, 15, 1, 2, 3],
    'an array count above the bytes that remain': [0x9a, 0xff, 0xff, 0xff, 0xff, 15],
    'a list count above the bytes that remain': [0x83, 18, 1, 0x9a, 0xff, 0xff, 0xff, 0xfe],
    'a list that ends within a group': [0x83, 18, 1, 0x81, 1],
    'a byte string above the bytes that remain': [0x82, 8, 0x5a, 0xff, 0xff, 0xff, 0xff],
    'an unknown role': [0x87, 1, 5, 1, 0, 0, 0, 0],
    'peer id 0': [0x87, 1, 0, 0, 0, 0, 0, 0],
    'peer id 255': [0x87, 1, 0, 0x18, 255, 0, 0, 0, 0],
    'an unknown reply code': [0x86, 20, 0, 1, 0, 1, 0x20],
    'a cxid beyond 53 bits': [0x87, 21, 0, 1, 0x1a, 0, 0x20, 0, 0, 0, 0, 0],
    'an unknown create mode': [0x87, 19, 0, 1, 0, 1, 0x80, 0x85, 1, 0x61, 0x2f, 0xf6, 0x80, 4],
    'a multi inside a multi': [0x87, 19, 0, 1, 0, 1, 0x80, 0x82, 9, 0x81, 0x82, 9, 0x80],
    'text that is not UTF-8': [0x87, 19, 0, 1, 0, 1, 0x80, 0x82, 10, 0x62, 0x2f, 0xff],
    'text with an overlong form': [0x87, 19, 0, 1, 0, 1, 0x80, 0x82, 10, 0x62, 0xc0, 0xaf],
    'text with a surrogate': [0x87, 19, 0, 1, 0, 1, 0x80, 0x82, 10, 0x63, 0xed, 0xa0, 0x80],
    'text cut within a character': [0x87, 19, 0, 1, 0, 1, 0x80, 0x82, 10, 0x61, 0xc3],
    'a version beyond 32 bits': [0x87, 19, 0, 1, 0, 1, 0x80, 0x83, 2, 0x61, 0x2f, 0x1a, 0x80, 0, 0, 0],
    'a negative version beyond 32 bits': [0x87, 19, 0, 1, 0, 1, 0x80, 0x83, 2, 0x61, 0x2f, 0x3a, 0x80, 0, 0, 0],
    'a proposal without a record': [0x82, 10, 0x40],
  }
  for (const [what, frame] of Object.entries(hostile)) it(`refuses ${what}`, () => refuses(frame))

  it('holds a count against the bytes that remain before it builds anything', () => {
    const frame = Uint8Array.from([0x83, 18, 1, 0x9a, 0xff, 0xff, 0xff, 0xfe, ...new Array(1000).fill(0)])
    expect(() => decodeMessage(frame)).to.throw(/array longer than its frame/)
  })

  it('refuses nesting of any depth at once', () => {
    refuses(new Uint8Array(1_000_000).fill(0x81))
  })

  it('refuses a proposal whose record is damaged, naming the cause', () => {
    const frame = frameOf({
      kind: 'proposal',
      proposal: {
        zxid: zxid(1, 2),
        previous: zxid(1, 1),
        session,
        cxid: 1,
        time: 1,
        txn: { kind: 'error', code: 'OK' },
      },
    })
    frame[20]! ^= 1
    try {
      decodeMessage(frame)
      expect.fail('accepted')
    } catch (error) {
      expect(hasCode(error, 'PROTOCOL_ERROR')).to.equal(true)
      expect(hasCode((error as Error).cause, 'DATA_CORRUPT')).to.equal(true)
    }
  })

  it('R5: answers random bytes with a message or PROTOCOL_ERROR, and is unharmed by a bad frame before a good one', () => {
    const good = frameOf({ kind: 'ack', zxid: zxid(3, 9) })
    let seed = 12345
    const random = () => {
      seed = (Math.imul(seed, 1103515245) + 12345) >>> 0
      return seed >>> 16
    }
    const before = Error.stackTraceLimit
    Error.stackTraceLimit = 0
    try {
      for (let i = 0; i < 100_000; i++) {
        const frame = Uint8Array.from({ length: random() % 24 }, () => random())
        // Half of them get past the first two checks.
        if (i & 1 && frame.length > 2) {
          frame[0] = 0x80 | (1 + (frame[0]! % 7))
          frame[1] = 1 + (frame[1]! % 23)
        }
        const decoded = outcomeOf(frame)
        if (decoded !== undefined) expect(frameOf(decoded)).to.deep.equal(frame)
        if (i % 100 === 0) expect(decodeMessage(good)).to.deep.equal({ kind: 'ack', zxid: zxid(3, 9) })
      }
    } finally {
      Error.stackTraceLimit = before
    }
  })
})
