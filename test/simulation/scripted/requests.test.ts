/** §3.4: the order of answers, sequence numbers over restarts, and one-shot watches over reconnects. Peer 3 of three leads at first. */
import { AttachedClient } from '../../../lib/core/pipeline/clients.js'
import { OPEN_ACL_UNSAFE } from '../../../lib/model/acl.js'
import {
  type CreateMode,
  EPHEMERAL_SEQUENTIAL,
  PERSISTENT,
  PERSISTENT_SEQUENTIAL,
} from '../../../lib/model/create-mode.js'
import { ANY_VERSION } from '../../../lib/model/request.js'
import type { Call } from '../../../lib/testing/simulated-client.js'
import { replaceGetter } from '../mutants/mutant.js'
import { answerOf, Guest } from './guest.js'
import { mutant, plays } from './played.js'
import { Script } from './script.js'

function pathOf({ outcome }: Call): string {
  return outcome?.kind === 'answered' && outcome.response.kind === 'created' ? outcome.response.path : ''
}
const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)

describe('requests', () => {
  plays(
    'ZOOKEEPER-1046: sequence numbers go on behind those that were deleted, over a restart from a checkpoint and another leader',
    () => {
      const script = Script.begin(3, { checkpointEntries: 10, entriesKept: 0 })
      let guest = new Guest(script, 1)
      script.answered(guest.create('/q', PERSISTENT))
      const numbers: number[] = []
      const next = (...modes: readonly CreateMode[]): void => {
        const calls = modes.map(mode => guest.create('/q/n-', mode))
        for (const call of calls) script.answered(call)
        for (const path of calls.map(pathOf)) {
          numbers.push(Number(path.slice('/q/n-'.length)))
          guest.did({ kind: 'delete', path, version: ANY_VERSION })
        }
      }
      for (let count = 0; count < 4; count++) next(PERSISTENT_SEQUENTIAL, EPHEMERAL_SEQUENTIAL)
      // One that fails takes no number, nor does one that is in a multi with it.
      const step = {
        kind: 'create',
        path: '/q/n-',
        data: bytes('in a multi'),
        acl: OPEN_ACL_UNSAFE,
        mode: PERSISTENT_SEQUENTIAL,
      } as const
      const failing = guest.ask({
        kind: 'multi',
        steps: [step, { kind: 'check', path: '/not there', version: ANY_VERSION }],
      })
      script.until('the multi fails', () => failing.outcome !== undefined)
      next(PERSISTENT_SEQUENTIAL, PERSISTENT_SEQUENTIAL)
      const place = script.lastOn(3)
      script.writes(script.client(3), 12)
      const isBehind = (id: number): boolean => script.peer(id).disk.base.counter >= place.counter
      script.until('nobody has a log of it any more', () => [1, 2, 3].every(isBehind))
      guest.leave()
      script.crash(1, 2, 3)
      script.start(1, 2, 3)
      script.led(1, 2, 3)
      guest = new Guest(script, 2)
      next(PERSISTENT_SEQUENTIAL, PERSISTENT_SEQUENTIAL)
      const { leader } = script
      script.crash(leader!)
      const others = [1, 2, 3].filter(id => id !== leader)
      script.led(...others)
      guest.leave()
      guest = new Guest(script, others[0]!)
      next(PERSISTENT_SEQUENTIAL, PERSISTENT_SEQUENTIAL)
      script.demand(
        'C11',
        `each is one more than the last: ${numbers}`,
        numbers.every((each, index) => each === index),
      )
      guest.close()
      script.end()
    },
    mutant('a sequence number is given twice'),
  )

  plays(
    'ZOOKEEPER-1863: reads and writes that one session pipelines are answered in its order, each read seeing the writes before it',
    () => {
      const script = Script.begin(3)
      const guest = new Guest(script, 1)
      script.answered(guest.create('/n', PERSISTENT))
      // Nothing is committed for a while: reads pile up behind writes.
      const held = [1, 2].map(id => script.holdLink(id, 3, ['ack']))
      const order: number[] = []
      const calls: Call[] = []
      for (let n = 1; n <= 6; n++) {
        calls.push(guest.ask({ kind: 'setData', path: '/n', data: bytes(`value ${n}`), version: ANY_VERSION }))
        calls.push(guest.ask({ kind: 'getData', path: '/n', watch: false }))
      }
      script.world.observe({
        client: event => {
          if (event.kind === 'returned' && calls.includes(event.call)) order.push(calls.indexOf(event.call))
        },
      })
      script.run(100)
      script.reached('none is answered', order.length === 0)
      for (const each of held) each.release()
      script.run(1000)
      for (const call of calls)
        script.demand('C2', `${call.request.kind} ${call.cxid} is answered`, call.outcome?.kind === 'answered')
      script.demand(
        'C2',
        `in the order asked: ${order}`,
        order.length === 12 && order.every((each, index) => each === index),
      )
      for (const [index, { outcome }] of calls.entries()) {
        if (index % 2 === 0 || outcome?.kind !== 'answered' || outcome.response.kind !== 'data') continue
        const value = new TextDecoder().decode(outcome.response.data ?? undefined)
        script.demand('C4', `read ${index} is ${value}`, value === `value ${(index + 1) / 2}`)
      }
      guest.close()
      script.end()
    },
    mutant('requests of one session overtake each other on the way to the leader'),
    {
      name: 'a read does not wait for the writes before it',
      rows: ['C2', 'C4'],
      plant: () => replaceGetter(AttachedClient.prototype, 'idle', () => () => true),
    },
  )

  plays(
    'ZOOKEEPER-1412: watches set again at another peer are told at once what they missed, and only that; the others stand',
    () => {
      const script = Script.begin(3)
      const [guest, writer] = [new Guest(script, 1), new Guest(script, 3)]
      for (const path of ['/changed', '/same', '/gone', '/parent', '/calm'])
        script.answered(writer.create(path, PERSISTENT))
      for (const path of ['/changed', '/same', '/gone']) guest.did({ kind: 'getData', path, watch: true })
      for (const path of ['/made', '/missing']) {
        const call = guest.ask({ kind: 'exists', path, watch: true })
        script.until('it is missing', () => answerOf(call) === 'NO_NODE')
      }
      for (const path of ['/parent', '/calm']) guest.did({ kind: 'getChildren', path, watch: true })
      guest.client.disconnect()
      const set = (path: string, value: string) =>
        writer.did({ kind: 'setData', path, data: bytes(value), version: ANY_VERSION })
      set('/changed', 'twice')
      set('/changed', 'changed')
      writer.did({ kind: 'delete', path: '/gone', version: ANY_VERSION })
      script.answered(writer.create('/made', PERSISTENT))
      script.answered(writer.create('/parent/child', PERSISTENT))
      set('/calm', 'its data, not its children')
      script.run(50)
      guest.attach(2)
      script.until('its watches are set again', () => guest.client.outstanding.length === 0)
      const missed = ['childrenChanged /parent', 'created /made', 'dataChanged /changed', 'deleted /gone']
      script.demand('W4', `what it missed: ${guest.events}`, [...guest.events].sort().join() === missed.join())
      guest.events.length = 0
      set('/changed', 'nobody watches any more')
      set('/same', 'now')
      script.answered(writer.create('/missing', PERSISTENT))
      script.answered(writer.create('/calm/child', PERSISTENT))
      guest.did({ kind: 'sync', path: '/' })
      const stood = 'dataChanged /same,created /missing,childrenChanged /calm'
      script.demand('W4', `those that stood: ${guest.events}`, guest.events.join() === stood)
      guest.close()
      writer.close()
      script.end()
    },
    mutant('watches are not set again after a reconnect'),
  )

  plays(
    'ZOOKEEPER-1382: watches go with their attachment, however that ends',
    () => {
      const script = Script.begin(3)
      const guests = Array.from({ length: 5 }, () => new Guest(script, 1, { timeoutMs: 600 }))
      const [closing, leaving, silent, moving, embedded] = [
        ...guests.slice(0, 4),
        new Guest(script, 1, { embedded: true }),
      ]
      guests[4]!.leave()
      const all = [closing!, leaving!, silent!, moving!, embedded!]
      for (const guest of all) {
        const call = guest.ask({ kind: 'exists', path: '/nobody', watch: true })
        script.until('it is missing', () => answerOf(call) === 'NO_NODE')
        guest.did({ kind: 'getChildren', path: '/', watch: true })
      }
      const watches = (id: number): number => script.peer(id).core!.counts.watches
      script.reached('peer 1 has two of each', watches(1) === 10)
      closing!.close()
      script.soon('W9', 'those of who closes go', () => watches(1) === 8)
      leaving!.leave()
      script.soon('W9', 'those of who leaves go', () => watches(1) === 6)
      moving!.attach(2)
      script.soon('W9', 'those of who moves go with him', () => watches(1) === 4 && watches(2) === 2)
      silent!.silent = true
      script.soon('W9', 'those of who expires go', () => watches(1) === 2)
      silent!.leave()
      script.cut(1, 2, 3)
      script.until(
        'peer 1 is out, for longer than its guest may live',
        () => embedded!.detachedBy === 'SESSION_EXPIRED',
      )
      script.demand('W9', 'none is left', watches(1) === 0)
      script.mend(1, 2, 3)
      script.serving(1)
      moving!.close()
      script.soon('W9', 'nor there', () => watches(2) === 0)
      embedded!.leave()
      script.end()
    },
    mutant('watches of a client that has left remain'),
  )
})
