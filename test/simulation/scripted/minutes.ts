/** What happened in a story, for it to ask: every message as it was sent and as it was heard, every change of a disk, every effect. */
import type { Effect } from '../../../lib/core/effect.js'
import type { Input } from '../../../lib/core/input.js'
import type { PeerMessage } from '../../../lib/core/zab/messages.js'
import type { LinkId } from '../../../lib/model/ids.js'
import type { DiskChange } from '../../../lib/testing/simulated-disk.js'
import type { SimulatedPeer } from '../../../lib/testing/simulated-peer.js'
import type { World, WorldObserver } from '../../../lib/testing/world.js'

type Message<K extends PeerMessage['kind']> = Extract<PeerMessage, { readonly kind: K }>

export interface Said<M extends PeerMessage = PeerMessage> {
  readonly from: number
  readonly to: number
  readonly message: M
  /** As its sender, or its hearer, calls it. */
  readonly link: LinkId
  /** Number of the event. */
  readonly event: number
}

export class Minutes implements WorldObserver {
  readonly sent: Said[] = []
  readonly heard: Said[] = []
  readonly written: { readonly peer: number; readonly change: DiskChange; readonly event: number }[] = []
  readonly effects: { readonly peer: number; readonly effect: Effect; readonly event: number }[] = []
  readonly #world: World
  readonly #remote = new Map<LinkId, number>()

  constructor(world: World) {
    this.#world = world
    world.observe(this)
  }

  get event(): number {
    return this.#world.eventNumber
  }

  /** From this event on. */
  sends<K extends PeerMessage['kind']>(from: number, to: number, kind: K, since = 0): Said<Message<K>>[] {
    return pick(this.sent, from, to, kind, since)
  }
  hears<K extends PeerMessage['kind']>(to: number, from: number, kind: K, since = 0): Said<Message<K>>[] {
    return pick(this.heard, from, to, kind, since)
  }
  asks<K extends Effect['kind']>(peer: number, kind: K, since = 0): Extract<Effect, { readonly kind: K }>[] {
    return this.effects
      .filter(each => each.peer === peer && each.effect.kind === kind && each.event >= since)
      .map(each => each.effect as Extract<Effect, { readonly kind: K }>)
  }
  changes<K extends DiskChange['kind']>(peer: number, kind: K, since = 0): Extract<DiskChange, { readonly kind: K }>[] {
    return this.written
      .filter(each => each.peer === peer && each.change.kind === kind && each.event >= since)
      .map(each => each.change as Extract<DiskChange, { readonly kind: K }>)
  }

  stepped(peer: SimulatedPeer, input: Input): void {
    if (input.kind === 'linked') this.#remote.set(input.link, input.peer)
    else if (input.kind === 'message')
      this.heard.push({ from: this.#remote.get(input.link)!, to: peer.id, ...input, event: this.event })
  }

  performed(peer: SimulatedPeer, effect: Effect): void {
    this.effects.push({ peer: peer.id, effect, event: this.event })
    if (effect.kind !== 'send') return
    const { link, message } = effect
    this.sent.push({ from: peer.id, to: this.#remote.get(link)!, message, link, event: this.event })
  }

  diskChanged(peer: SimulatedPeer, change: DiskChange): void {
    this.written.push({ peer: peer.id, change, event: this.event })
  }
}

function pick<K extends PeerMessage['kind']>(
  all: readonly Said[],
  from: number,
  to: number,
  kind: K,
  since: number,
): Said<Message<K>>[] {
  return all.filter(
    (each): each is Said<Message<K>> =>
      each.from === from && each.to === to && each.message.kind === kind && each.event >= since,
  )
}
