/** ZOOKEEPER-4736, 3240, 4923: networks that are down when a peer starts or stops, and sessions that do not come about. */
import { expect } from 'chai'
import { Session } from '../../../lib/client/session.js'
import { Dialer } from '../../../lib/host/dialer.js'
import type { VirtualPeer } from '../../../lib/testing/virtual/virtual-peer.js'
import { replaceMethod } from '../mutants/mutant.js'
import { HostScript } from './host-script.js'
import { tell } from './planted.js'

/** Longer than any timeout of a link, an election or a session. */
const LONG_MS = 30_000

describe('scripted: connections', () => {
  tell('ZOOKEEPER-4736: a network that is down while the peers start costs nothing that grows (R3)', async () => {
    const script = new HostScript()
    for (const peer of script.peers) script.isolate(peer)
    await script.of(Promise.all(script.peers.map(peer => peer.start())))
    await script.pass(LONG_MS)
    const held = () => script.peers.map(({ process }) => process!.timers)
    const early = held()
    expect(script.leader, 'nobody leads').to.equal(undefined)
    expect(script.ensemble.network.liveEnds).to.equal(0)
    await script.pass(10 * LONG_MS)
    for (const [index, timers] of held().entries()) expect(timers).to.be.at.most(early[index]! + 1)
    expect(script.time.pending).to.be.below(100)
    script.heal()
    await script.until('all have a leader', () => script.peers.every(({ opened }) => opened!.status.serving))
    const zk = await script.client(script.peer(1))
    await script.of(zk.create('/late', 'x'))
    await script.of(zk.close())
    await script.end()
  }, [
    {
      name: 'who has dialled in vain dials no more',
      plant: () => {
        const once = new WeakSet<Dialer>()
        return replaceMethod(Dialer.prototype, 'dialLater', dialLater => {
          return function (this: Dialer) {
            if (!once.has(this)) dialLater.call(this)
            once.add(this)
          }
        })
      },
    },
  ])

  tell('ZOOKEEPER-3240: a peer that closes while the network is down leaves no link behind, on either side (R3)', async () => {
    const script = new HostScript()
    await script.start()
    const [closing] = script.others
    script.isolate(closing!)
    const { process } = closing!
    await script.of(closing!.opened!.close())
    expect(process!.timers, 'timers of the closed peer').to.equal(0)
    closing!.crash(false)
    const linksTo = ({ host }: VirtualPeer) =>
      host!.links.state.filter(({ peer, connected }) => peer === closing!.id && connected)
    // The leader by itself. Nobody tells the other one: it keeps an end of a link that nothing comes from any more.
    await script.until('the leader has given it up', () => linksTo(script.leader).length === 0)
    expect(script.others.flatMap(linksTo), 'dangling').to.have.length(1)
    expect(script.ensemble.network.liveEnds, 'with the link that works').to.equal(3)
    script.heal()
    await script.of(closing!.start())
    await script.serving()
    await script.until('nothing dangles', () => script.ensemble.network.liveEnds === 6)
    await script.end()
  }, ['the alarm of a closed peer goes on'])

  tell('ZOOKEEPER-4923: a first session that cannot be established ends in time (L2)', async () => {
    const script = new HostScript()
    const lone = script.peer(1)
    await script.of(lone.start())
    await script.pass(LONG_MS)
    expect(lone.opened!.status.serving).to.equal(false)
    const began = script.time.now()
    let code: string | undefined
    lone.client({ timeout: 3000 }).catch((error: { code: string }) => {
      code = error.code
    })
    await script.until('it is given up', () => code !== undefined, 4000)
    expect(code).to.equal('CONNECTION_LOSS')
    expect(script.time.now() - began).to.be.within(3000, 3100)
    expect(lone.host!.channels.size, 'nothing of it is left').to.equal(0)

    await script.of(Promise.all([script.peer(2), script.peer(3)].map(peer => peer.start())))
    await script.serving()
    // A leader that stands still in the middle of it.
    const [follower] = script.others
    const { leader } = script
    leader.process!.pause()
    const failing = follower!.client({ timeout: 500 }).then(
      () => 'open',
      (error: { code: string }) => error.code,
    )
    expect(await script.of(failing)).to.equal('CONNECTION_LOSS')
    leader.process!.resume()
    const zk = await script.client(follower!)
    await script.of(zk.close())
    await script.until('no session is left', () => script.chain.ref.sessions.size === 0)
    await script.end()
  }, [
    {
      name: 'opening a client has no time limit',
      plant: () =>
        replaceMethod(Session.prototype, 'open', open => {
          return function (this: Session, listener, scope) {
            return open.call(this, listener, { ...scope, deadline: scope.deadline + 3_600_000 })
          }
        }),
    },
  ])
})
