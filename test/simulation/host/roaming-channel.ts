/**
 * The door of an application that is in no peer's process: it attaches to one peer after the other, over a way that takes time. Its peer may be lost,
 * or leave it waiting, and it goes on at another one with its session and password; what it had sent before may still arrive at the old one (S6).
 *
 * Always holds: each way keeps the order of what travels on it; an attachment that has ended says nothing more to the application, and in the
 * end the peer learns of it, too. Before: host-places.ts. After: a peer's LocalChannels, in an event of its process.
 */
import type {
  AttachOptions,
  Channel,
  ChannelAttachment,
  ChannelReceiver,
  ClientClock,
} from '../../../lib/client/channel.js'
import type { Identities } from '../../../lib/model/acl.js'
import type { ClientRequest } from '../../../lib/model/request.js'
import type { Timeline } from '../../../lib/testing/virtual/timeline.js'
import type { VirtualPeer } from '../../../lib/testing/virtual/virtual-peer.js'
import type { VirtualProcess } from '../../../lib/testing/virtual/virtual-process.js'

export interface RoamingPorts {
  readonly timeline: Timeline
  /** The application's own. */
  readonly process: VirtualProcess
  readonly pick: () => VirtualPeer
  /** One way, drawn anew for everything that travels. */
  readonly delayMs: () => number
  /** How long a peer may serve nobody before the application tries another. */
  readonly patienceMs: number
  /** Who the application begins as, wherever it comes. */
  readonly identities: Identities | undefined
  /** Where there is no leader, reads will do. */
  readonly contentWithReads: boolean
  /** Of the attachments of this application, counted from 1. */
  readonly sent: (attachment: number, request: ClientRequest) => void
  readonly attached: (attachment: number, peer: VirtualPeer, readOnly: boolean) => void
  /** An attachment has ended, or will bring nothing more. */
  readonly lost: () => void
}

const LOOK_MS = 50
/** ZooKeeper's number for pings: no call has it. */
const PING = -2
/** For an attachment that is not answered. */
const SILENCE_MS_MAX = 3000
const DATA_BYTES_MAX = 1024 * 1024

export class RoamingChannel implements Channel {
  readonly dataBytesMax = DATA_BYTES_MAX
  readonly clock: ClientClock
  readonly #ports: RoamingPorts
  #road: Road | undefined
  #count = 0

  constructor(ports: RoamingPorts) {
    this.clock = ports.process.clock
    this.#ports = ports
  }

  attach(options: AttachOptions, receiver: ChannelReceiver): ChannelAttachment {
    this.#road = new Road(++this.#count, this.#ports, options, receiver)
    return this.#road
  }

  /** Leaves its peer, which hears of that so much later, and no sooner of what is under way. False when it has none. */
  move(peerHearsMs: number): boolean {
    return this.#road?.break(peerHearsMs) ?? false
  }
}

/** One attachment: there and back. */
class Road implements ChannelAttachment {
  readonly #number: number
  readonly #ports: RoamingPorts
  readonly #receiver: ChannelReceiver
  readonly #peer: VirtualPeer
  /** Where it leads: a later life of the peer knows nothing of it. */
  readonly #process: VirtualProcess | undefined
  #attachment: ChannelAttachment | undefined
  #live = true
  /** The peer has heard of the end. */
  #left = false
  /** What is under way to the peer when it is left is not there before. */
  #heldUntil = 0
  #thereAt = 0
  #backAt = 0
  /** Who arrives next is first in line: two that are due in one moment may be told so by times that differ in their last bit. */
  readonly #goingThere: (() => void)[] = []
  readonly #comingBack: (() => void)[] = []
  /** The session's timeout, once it has one: a third of it between pings, two thirds of silence are too much. */
  #timeoutMs: number | undefined
  #pingedAt = 0
  #heardAt: number
  #uselessSince: number | undefined

  constructor(number: number, ports: RoamingPorts, options: AttachOptions, receiver: ChannelReceiver) {
    this.#number = number
    this.#ports = ports
    this.#receiver = receiver
    this.#peer = ports.pick()
    this.#process = this.#peer.process
    this.#heardAt = ports.timeline.now()
    this.#there(() => this.#arrive(options))
    this.#look()
  }

  send(cxid: number, request: ClientRequest): void {
    this.#ports.sent(this.#number, request)
    this.#there(() => this.#attachment?.send(cxid, request))
  }

  detach(): void {
    if (this.#live) this.#ports.lost()
    this.#live = false
    this.#there(() => this.#leave())
  }

  break(peerHearsMs: number): boolean {
    if (!this.#live) return false
    this.#lose()
    this.#heldUntil = this.#ports.timeline.now() + peerHearsMs
    this.#there(() => this.#leave())
    return true
  }

  #arrive(options: AttachOptions): void {
    const { host } = this.#peer
    if (host === undefined || this.#left) return this.#back(() => this.#lose())
    // A peer that has gone is no end of the session here: the application goes on elsewhere.
    const { identities, contentWithReads } = this.#ports
    const asked = contentWithReads ? { ...options, readOnly: true } : options
    this.#attachment = host.channels.channel({ embedded: false, identities }).attach(asked, {
      attached: session =>
        this.#back(() => {
          this.#timeoutMs = session.timeoutMs
          this.#ports.attached(this.#number, this.#peer, session.readOnly === true)
          this.#receiver.attached(session)
        }),
      reply: (cxid, zxid, response) =>
        this.#back(() => {
          if (cxid !== PING) this.#receiver.reply(cxid, zxid, response)
        }),
      failed: (cxid, code, outcome) => this.#back(() => this.#receiver.failed(cxid, code, outcome)),
      event: event => this.#back(() => this.#receiver.event(event)),
      serving: serving =>
        this.#back(() => {
          this.#uselessSince = serving ? undefined : (this.#uselessSince ?? this.#ports.timeline.now())
          this.#receiver.serving(serving)
        }),
      detached: code => {
        this.#attachment = undefined
        this.#back(() => this.#lose(code === 'CLOSED' ? 'CONNECTION_LOSS' : code))
      },
    })
  }

  #leave(): void {
    this.#left = true
    this.#attachment?.detach()
    this.#attachment = undefined
  }

  #lose(code: Parameters<ChannelReceiver['detached']>[0] = 'CONNECTION_LOSS'): void {
    if (!this.#live) return
    this.#live = false
    this.#ports.lost()
    this.#receiver.detached(code)
  }

  /** Shows that it lives; and who hears nothing of a peer, or nothing good, tries another. */
  #look(): void {
    const { timeline, patienceMs } = this.#ports
    timeline.after(LOOK_MS, () => {
      if (!this.#live) return
      if (this.#process?.alive !== true) return this.#lose()
      const now = timeline.now()
      const timeoutMs = this.#timeoutMs ?? SILENCE_MS_MAX
      if (this.#timeoutMs !== undefined && now - this.#pingedAt > timeoutMs / 3) {
        this.#pingedAt = now
        this.#there(() => this.#attachment?.send(PING, { kind: 'ping' }))
      }
      const useless = now - (this.#uselessSince ?? now) > patienceMs
      if (useless || now - this.#heardAt > (timeoutMs * 2) / 3) this.break(0)
      else this.#look()
    })
  }

  #there(what: () => void): void {
    const { timeline, delayMs } = this.#ports
    this.#thereAt = Math.max(this.#thereAt, timeline.now() + delayMs())
    this.#goingThere.push(what)
    const arrive = (): void => {
      const first = this.#goingThere.shift()!
      this.#process?.enter(first)
    }
    timeline.after(this.#thereAt - timeline.now(), () => {
      const held = this.#heldUntil - timeline.now()
      if (held > 0) timeline.after(held, arrive)
      else arrive()
    })
  }

  #back(what: () => void): void {
    const { timeline, process, delayMs } = this.#ports
    this.#backAt = Math.max(this.#backAt, timeline.now() + delayMs())
    this.#comingBack.push(what)
    timeline.after(this.#backAt - timeline.now(), () => {
      const first = this.#comingBack.shift()!
      process.enter(() => {
        if (!this.#live) return
        this.#heardAt = timeline.now()
        first()
      })
    })
  }
}
