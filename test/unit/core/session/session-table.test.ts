import { inspect } from 'node:util'
import { expect } from 'chai'
import fc from 'fast-check'
import { sessionChecksum } from '../../../../lib/core/session/session-checksum.js'
import { SessionTable } from '../../../../lib/core/session/session-table.js'
import { addToDigest, EMPTY_DIGEST, formatDigest } from '../../../../lib/model/digest.js'
import type { SessionId } from '../../../../lib/model/ids.js'
import type { SessionRecord } from '../../../../lib/model/session-record.js'

const id = (n: number) => n.toString(16).padStart(16, '0') as SessionId
const record = (n: number, timeoutMs = 4000, password = 7): SessionRecord => ({
  session: id(n),
  timeoutMs,
  password: new Uint8Array(16).fill(password),
})

describe('session table', () => {
  it('finds, adds and removes', () => {
    const table = new SessionTable()
    table.add(record(1))
    expect(table.get(id(1))).to.deep.equal(record(1))
    expect(table.has(id(2))).to.equal(false)
    expect(table.remove(id(1))).to.equal(true)
    expect(table.remove(id(1))).to.equal(false)
    expect(table.size).to.equal(0)
  })

  it('captures what changed since the last capture, and nothing it was made from', () => {
    const table = new SessionTable([record(1), record(2)])
    expect(table.captureDirty().size).to.equal(0)
    table.add(record(3))
    table.remove(id(1))
    table.remove(id(9))
    const captured = table.captureDirty()
    table.add(record(4))
    expect([...captured]).to.deep.equal([
      [id(3), record(3)],
      [id(1), undefined],
    ])
    expect([...table.captureDirty().keys()]).to.deep.equal([id(4)])
  })

  it('S5: rebuilds the same table and digest from an image and the captures behind it', () => {
    const step = fc.tuple(fc.constantFrom('add', 'remove', 'capture'), fc.nat(6), fc.integer({ min: 1, max: 9 }))
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), steps => {
        const table = new SessionTable()
        const disk = new Map<SessionId, SessionRecord>()
        const reference = new Map<SessionId, SessionRecord>()
        const checkpoint = () => {
          for (const [session, value] of table.captureDirty()) {
            if (value === undefined) disk.delete(session)
            else disk.set(session, value)
          }
        }
        for (const [what, n, timeout] of steps) {
          if (what === 'add') {
            table.add(record(n, timeout))
            reference.set(id(n), record(n, timeout))
          } else if (what === 'remove') {
            expect(table.remove(id(n))).to.equal(reference.delete(id(n)))
          } else checkpoint()
        }
        checkpoint()
        const bySession = (a: SessionRecord, b: SessionRecord) => (a.session < b.session ? -1 : 1)
        const restored = new SessionTable(disk.values())
        expect([...restored.all()].sort(bySession)).to.deep.equal([...reference.values()].sort(bySession))
        expect(restored.digest).to.deep.equal(table.digest)
        let sum = EMPTY_DIGEST
        for (const value of reference.values()) sum = addToDigest(sum, sessionChecksum(value))
        expect(formatDigest(table.digest)).to.equal(formatDigest(sum))
      }),
    )
  })

  it('has a digest that shows a change in any field', () => {
    const base = sessionChecksum(record(1))
    expect(sessionChecksum(record(1))).to.equal(base)
    expect(sessionChecksum(record(2))).to.not.equal(base)
    expect(sessionChecksum(record(1, 4001))).to.not.equal(base)
    expect(sessionChecksum(record(1, 4000, 8))).to.not.equal(base)
    expect(sessionChecksum({ ...record(1), password: new Uint8Array(15).fill(7) })).to.not.equal(base)
  })

  it('keeps the checksum that stored checkpoints were made with', () => {
    expect(sessionChecksum(record(1))).to.equal(0xfca80362)
  })

  it('shows no password when it is printed', () => {
    const table = new SessionTable([record(1, 4000, 0xab)])
    table.add(record(2, 4000, 0xab))
    for (const text of [String(table), JSON.stringify(table), inspect(table, { depth: 9, showHidden: true })]) {
      expect(text).to.not.match(/\b171\b|abab|password/i)
    }
  })
})
