/** ZOOKEEPER-4736, 3240, 4923: networks that are down when a peer starts or stops, and sessions that do not come about. */
import { Session } from '../../../lib/client/session.js'
import { Dialer } from '../../../lib/host/dialer.js'
import type { VirtualPeer } from '../../../lib/testing/virtual/virtual-peer.js'
import { replaceMethod } from '../mutants/mutant.js'
import { HostScript } from './host-script.js'
import { mutant, plays } from './played.js'

/** Longer than any timeout of a link, an election or a session. */
const LONG_MS = 30_000

describe('connections', () => {
  plays(
    'ZOOKEEPER-4736: a network that is down while the peers start costs nothing that grows (R3)',
    async () => {
      const script = new HostScript()
      for (const peer of script.peers) script.isolate(peer)
      await script.of(Promise.all(script.peers.map(peer => peer.start())))
      await script.pass(LONG_MS)
      const held = () => script.peers.map(({ process }) => process!.timers)
      const early = held()
      script.reached('nobody leads', script.leader === undefined)
      script.reached('there are no links', script.ensemble.network.liveEnds === 0)
      await script.pass(10 * LONG_MS)
      for (const [index, timers] of held().entries())
        script.demand('R3', `no more timers than before: ${timers}`, timers <= early[index]! + 1)
      script.demand('R3', `nor anything else: ${script.time.pending}`, script.time.pending < 100)
      script.heal()
      await script.soon('L1', 'all have a leader', () => script.peers.every(({ opened }) => opened!.status.serving))
      const zk = await script.client(script.peer(1))
      await script.of(zk.create('/late', 'x'))
      await script.of(zk.close())
      await script.end()
    },
    {
      name: 'who has dialled in vain dials no more',
      rows: ['L1'],
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
  )

  plays(
    'ZOOKEEPER-3240: a peer that closes while the network is down leaves no link behind, on either side (R3)',
    async () => {
      const script = await HostScript.begin()
      const [closing] = script.others
      script.isolate(closing!)
      const { process } = closing!
      await script.of(closing!.opened!.close())
      script.equal('R3', 'timers of the closed peer', process!.timers, 0)
      closing!.crash(false)
      const linksTo = ({ host }: VirtualPeer) =>
        host!.links.state.filter(({ peer, connected }) => peer === closing!.id && connected)
      // The leader by itself. Nobody tells the other one: it keeps an end of a link that nothing comes from any more.
      await script.until('the leader has given it up', () => linksTo(script.leader).length === 0)
      script.reached('a link dangles', script.others.flatMap(linksTo).length === 1)
      script.reached('beside the one that works', script.ensemble.network.liveEnds === 3)
      script.heal()
      await script.of(closing!.start())
      await script.serving()
      await script.soon('R3', 'nothing dangles', () => script.ensemble.network.liveEnds === 6)
      await script.end()
    },
    mutant('the alarm of a closed peer goes on'),
  )

  plays(
    'ZOOKEEPER-4923: a first session that cannot be established ends in time (L2)',
    async () => {
      const script = new HostScript()
      const lone = script.peer(1)
      await script.of(lone.start())
      await script.pass(LONG_MS)
      script.reached('it serves nobody', !lone.opened!.status.serving)
      const began = script.time.now()
      let code: string | undefined
      lone.client({ timeout: 3000 }).catch((error: { code: string }) => {
        code = error.code
      })
      await script.soon('L2', 'it is given up', () => code !== undefined, 3100)
      script.equal('L2', 'why', code, 'CONNECTION_LOSS')
      script.demand('L2', 'not before its time', script.time.now() - began > 2999)
      script.equal('R3', 'attachments left', lone.host!.channels.size, 0)

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
      script.equal('L2', 'how it ends', await script.of(failing), 'CONNECTION_LOSS')
      leader.process!.resume()
      const zk = await script.client(follower!)
      await script.of(zk.close())
      await script.soon('S3', 'no session is left', () => script.chain.ref.sessions.size === 0)
      await script.end()
    },
    {
      name: 'opening a client has no time limit',
      rows: ['L2'],
      plant: () =>
        replaceMethod(Session.prototype, 'open', open => {
          return function (this: Session, listener, scope) {
            return open.call(this, listener, { ...scope, deadline: scope.deadline + 3_600_000 })
          }
        }),
    },
  )
})
