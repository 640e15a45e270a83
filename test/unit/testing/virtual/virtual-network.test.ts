import { expect } from 'chai'
import type { PeerId } from '../../../../lib/model/ids.js'
import { SeededRandom } from '../../../../lib/testing/seeded-random.js'
import { realTimeline, type Timeline, VirtualTime } from '../../../../lib/testing/virtual/timeline.js'
import { VirtualNetwork } from '../../../../lib/testing/virtual/virtual-network.js'
import { VirtualProcess } from '../../../../lib/testing/virtual/virtual-process.js'
import { addressOf } from '../../../../lib/testing/virtual/virtual-transport.js'
import type { Connection } from '../../../../lib/transport/transport.js'
import { transportCompliance } from '../../../compliance/transport.js'

const idOf = (address: string): PeerId => Number(address.slice('memory://'.length)) as PeerId

function makeNetwork(timeline: Timeline, delayMs: number, splitChance: number): VirtualNetwork {
  const random = new SeededRandom(1, 'network')
  return new VirtualNetwork({
    timeline,
    random,
    delayMs: () => (delayMs === 0 ? 0 : random.between(0, delayMs)),
    splitChance,
    arrived: () => undefined,
  })
}

transportCompliance('virtual network, in pieces', () => {
  const timeline = realTimeline()
  const network = makeNetwork(timeline, 0, 0.2)
  let count = 0
  return {
    create: () => network.transport(++count as PeerId, new VirtualProcess(timeline)),
    createAt: taken => network.transport(idOf(taken.address), new VirtualProcess(timeline)),
    nobody: () => 'memory://9999',
    connects: 50,
  }
})

class End {
  readonly frames: string[] = []
  readonly closings: (Error | undefined)[] = []
  connection!: Connection

  take(connection: Connection): void {
    this.connection = connection
    connection.start({
      frame: bytes => this.frames.push(new TextDecoder().decode(bytes)),
      closed: error => this.closings.push(error),
      drained: () => undefined,
    })
  }
  say(text: string): void {
    this.connection.send([new TextEncoder().encode(text)])
  }
}

describe('virtual network', () => {
  const one = 1 as PeerId
  const two = 2 as PeerId
  let time: VirtualTime
  let network: VirtualNetwork
  let processes: [VirtualProcess, VirtualProcess]
  let near: End
  let far: End

  const pass = (ms: number): Promise<boolean> => time.run(time.now() + ms)
  beforeEach(async () => {
    time = new VirtualTime()
    network = makeNetwork(time, 2, 0.2)
    processes = [new VirtualProcess(time), new VirtualProcess(time)]
    near = new End()
    far = new End()
    await network.transport(one, processes[0]).listen(connection => far.take(connection))
    const dialled = network.transport(two, processes[1]).dial(addressOf(one), { signal: new AbortController().signal })
    void dialled.then(connection => near.take(connection))
    await pass(10)
    near.say('hello')
    await pass(10)
    expect(far.frames.splice(0)).to.deep.equal(['hello'])
  })

  it('keeps what goes into a blocked direction, and lets the other one pass', async () => {
    network.block(two, one)
    near.say('a')
    near.say('b')
    far.say('c')
    await pass(10_000)
    expect(far.frames).to.deep.equal([])
    expect(near.frames).to.deep.equal(['c'])
    network.heal()
    await pass(10)
    expect(far.frames).to.deep.equal(['a', 'b'])
  })

  it('lets an end live on that does not know of a reset, until it says something', async () => {
    network.reset(one, two, 1e9)
    await pass(100)
    expect(far.closings).to.have.length(1)
    expect(near.closings).to.have.length(0)
    near.say('anyone?')
    await pass(10)
    expect(near.closings).to.have.length(1)
  })

  it('closes the connections of a process that is gone, without its own hearing of it', async () => {
    processes[0].kill()
    network.crashed(processes[0], false)
    await pass(10)
    expect(near.closings).to.have.length(1)
    expect(far.closings).to.have.length(0)
    expect(network.liveEnds).to.equal(0)
  })

  it('tells nobody of a machine that is gone until the keepalive does', async () => {
    processes[0].kill()
    network.crashed(processes[0], true)
    near.say('anyone?')
    await pass(0.01)
    expect(near.closings).to.have.length(0)
    await pass(4000)
    expect(near.closings).to.have.length(1)
  })

  it('hands a damaged frame over shorter than it was', async () => {
    expect(network.damage(two, one)).to.equal(true)
    near.say('a long enough text')
    await pass(10)
    expect(far.frames).to.have.length(1)
    expect(far.frames[0]).to.not.equal('a long enough text')
  })

  it('tells the length of a frame wrong: what comes behind it is read at the wrong place, or not at all', async () => {
    expect(network.damage(two, one, 'flipped')).to.equal(true)
    near.say('a')
    near.say('b')
    await pass(10)
    expect(far.frames).to.not.include('a')
    expect(far.frames).to.not.include('b')
  })

  it('lets so many bytes through a narrow direction in so much time, and the others pass', async () => {
    network.narrow(two, one, { bytes: 1, everyMs: 10 })
    near.say('0123456789')
    far.say('hello')
    await pass(100)
    expect(far.frames).to.deep.equal([])
    expect(near.frames).to.deep.equal(['hello'])
    await pass(60)
    expect(far.frames).to.deep.equal(['0123456789'])
    network.widen(two, one)
    near.say('0123456789')
    await pass(20)
    expect(far.frames).to.have.length(2)
  })

  it('delivers to a process that stands still when it goes on, in order', async () => {
    processes[0].pause()
    near.say('a')
    await pass(5)
    near.say('b')
    await pass(1000)
    expect(far.frames).to.deep.equal([])
    processes[0].resume()
    await pass(5)
    expect(far.frames).to.deep.equal(['a', 'b'])
  })

  it('lets a dial wait while there is no way, and go through afterwards', async () => {
    network.block(one, two)
    const again = new End()
    const abort = new AbortController()
    const dialled = network.transport(two, processes[1]).dial(addressOf(one), { signal: abort.signal })
    void dialled.then(connection => again.take(connection))
    await pass(3000)
    expect(again.connection).to.equal(undefined)
    network.heal()
    await pass(600)
    again.say('there')
    await pass(10)
    expect(far.frames).to.deep.equal(['there'])
  })
})
