import { expect } from 'chai'
import type { PeerId } from '../../../lib/model/ids.js'
import { EventQueue } from '../../../lib/testing/event-queue.js'
import { SeededRandom } from '../../../lib/testing/seeded-random.js'
import { SimulatedNetwork } from '../../../lib/testing/simulated-network.js'

const [one, two] = [1, 2] as PeerId[] as [PeerId, PeerId]

/** Two peers with a link, a millisecond apart; `heard` is what reached peer 2, and when. */
function makeNetwork() {
  const queue = new EventQueue()
  let now = 0
  const links = new Map<PeerId, number>()
  const heard: string[] = []
  const network = new SimulatedNetwork(
    [one, two],
    { delayMs: () => 1, redialMs: () => 1 },
    {
      random: new SeededRandom(1, 'network'),
      now: () => now,
      after: (delayMs, run) => queue.push(now + delayMs, run),
      handedOver: message => message,
      isUp: () => true,
      deliver: (peer, input) => {
        if (input.kind === 'linked') links.set(peer, input.link)
        if (peer === two && input.kind === 'message')
          heard.push(`${now} ${'n' in input.message ? input.message.n : ''}`)
        if (peer === two && input.kind === 'unlinked') heard.push(`${now} unlinked`)
      },
      deliverImage: () => {},
      linkClosed: () => {},
    },
  )
  const run = (until: number): void => {
    while (queue.nextAt !== undefined && queue.nextAt <= until) {
      now = queue.nextAt
      queue.pop()!.run()
    }
    now = until
  }
  const say = (n: number): void => network.send(links.get(one) as never, { kind: 'ping', n } as never)
  network.started(two)
  run(10)
  return { network, heard, run, say }
}

describe('simulated network', () => {
  it('keeps what is said over a clogged link, and lets it go in order', () => {
    const { network, heard, run, say } = makeNetwork()
    const release = network.clog(one, two)!
    expect(network.clog(one, two)).to.equal(undefined)
    say(1)
    say(2)
    run(50)
    expect(heard).to.deep.equal([])
    release()
    say(3)
    run(60)
    expect(heard).to.deep.equal(['50 1', '50 2', '51 3'])
  })

  it('clogs one direction of one link: not what is dialled after it', () => {
    const { network, heard, run, say } = makeNetwork()
    network.clog(one, two)
    say(1)
    network.reset(one, two, 0)
    run(30)
    say(2)
    run(40)
    expect(heard).to.deep.equal(['11 unlinked', '31 2'])
  })

  it('lets a slow reader read one message at a time, until it is as fast as before', () => {
    const { network, heard, run, say } = makeNetwork()
    const release = network.slowReader(one, two, 20)!
    for (const n of [1, 2, 3, 4]) say(n)
    run(40)
    expect(heard).to.deep.equal(['11 1', '31 2'])
    release()
    run(60)
    expect(heard).to.deep.equal(['11 1', '31 2', '40 3', '40 4'])
  })
})
