import { expect } from 'chai'
import { Admission, type Refusal, type Stranger } from '../../../../lib/jute/server/admission.js'

class Connection implements Stranger {
  readonly openedAt: number
  waitsForUs = false
  closed = false
  constructor(openedAt: number) {
    this.openedAt = openedAt
  }
  giveUp(): void {
    this.closed = true
  }
}

describe('admission', () => {
  let admission: Admission
  let refused: (readonly [Refusal, string])[]
  let now: number

  const unlimited = {
    connectionsMax: 0,
    connectionsPerAddressMax: 0,
    connectionsPerSecondMax: 0,
    connectionsPerSecondPerAddressMax: 0,
    sessionlessMax: 0,
  }
  const open = (limits: Partial<typeof unlimited>): void => {
    now = 0
    refused = []
    admission = new Admission({ ...unlimited, ...limits }, now, (why, address) => refused.push([why, address]))
  }
  const come = (address: string): Connection | undefined => {
    if (!admission.admits(address, now)) return undefined
    const connection = new Connection(now)
    admission.enter(connection, address, now)
    return connection
  }
  const known = (address: string): Connection => {
    const connection = come(address)!
    admission.knows(connection)
    return connection
  }
  const times = <T>(count: number, what: () => T): T[] => Array.from({ length: count }, what)

  it('counts connections, of all and of one address, until they leave', () => {
    open({ connectionsMax: 3, connectionsPerAddressMax: 2 })
    const [first] = [known('a'), known('a')]
    expect(come('a')).to.equal(undefined)
    known('b')
    expect(come('c')).to.equal(undefined)
    expect(refused).to.deep.equal([
      ['connections of the address', 'a'],
      ['connections', 'c'],
    ])
    admission.leave(first, 'a')
    expect(come('c')).not.to.equal(undefined)
  })

  it('an address that comes too fast is refused, and costs the others nothing of their pace', () => {
    open({ connectionsPerSecondMax: 10, connectionsPerSecondPerAddressMax: 4 })
    expect(times(1000, () => come('hostile')).filter(each => each !== undefined)).to.have.length(4)
    expect(times(4, () => come('good'))).not.to.include(undefined)
    expect(new Set(refused.map(([why]) => why))).to.deep.equal(new Set(['pace of the address']))
    expect(times(4, () => come('third'))).to.include(undefined)
    expect(refused.at(-1)).to.deep.equal(['pace', 'third'])
    now = 500
    expect(times(3, () => come('third')).filter(each => each !== undefined)).to.have.length(2)
  })

  it('keeps strangers few, whoever has a session not counted (R2)', () => {
    open({ sessionlessMax: 2 })
    times(5, () => known('a'))
    const strangers = times(2, () => come('a'))
    expect(come('a')).to.equal(undefined)
    expect(refused).to.deep.equal([['without a session', 'a']])
    admission.knows(strangers[0]!)
    expect(come('a')).not.to.equal(undefined)
  })

  it('who says nothing loses his place to a newcomer after a while, the oldest first; never who waits for his session', () => {
    open({ sessionlessMax: 3 })
    const [asking, quiet, second] = ['a', 'b', 'c'].map(address => come(address)!)
    asking!.waitsForUs = true
    now = 99
    expect(come('d')).to.equal(undefined)
    now = 100
    const newcomer = come('d')!
    expect([asking!.closed, quiet!.closed, second!.closed]).to.deep.equal([false, true, false])
    second!.waitsForUs = newcomer.waitsForUs = true
    now = 10_000
    expect(come('e')).to.equal(undefined)
    expect([asking!.closed, second!.closed, newcomer.closed]).to.deep.equal([false, false, false])
  })

  it('an address with many strangers makes room at once for one with fewer, and does not take it back', () => {
    open({ sessionlessMax: 4 })
    const hostile = times(4, () => come('hostile')!)
    const good = [come('good')!, come('good')!]
    expect(hostile.map(({ closed }) => closed)).to.deep.equal([true, true, false, false])
    expect([come('hostile'), come('good')]).to.deep.equal([undefined, undefined])
    expect(good.map(({ closed }) => closed)).to.deep.equal([false, false])
  })

  it('one that was closed to make room is counted until it has left, but no longer as a stranger', () => {
    open({ sessionlessMax: 1, connectionsPerAddressMax: 1 })
    const quiet = come('a')!
    now = 100
    const newcomer = come('b')!
    expect(quiet.closed).to.equal(true)
    expect(come('a')).to.equal(undefined)
    admission.leave(quiet, 'a')
    now = 200
    expect(come('a')).not.to.equal(undefined)
    expect(newcomer.closed).to.equal(true)
  })

  it('remembers no address that has gone, once its pace is as new, and not before (R2)', () => {
    open({ connectionsPerSecondPerAddressMax: 10 })
    const stays = known('stays')
    for (let n = 0; n < 100; n++) admission.leave(known(`${n}`), `${n}`)
    now = 99
    expect(admission.sweep(now)).to.equal(true)
    expect(admission.addresses).to.equal(101)
    now = 100
    expect(admission.sweep(now)).to.equal(true)
    expect(admission.addresses).to.equal(1)
    admission.leave(stays, 'stays')
    expect(admission.sweep(now)).to.equal(false)
  })
})
