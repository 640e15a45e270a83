/**
 * C2, W1–W5, W7: what one peer says to one attached client: answers in the order of requests, each once; every event of a watch before an answer
 * that can know of it; no event that was not asked for.
 */
import type { Effect } from '../../../lib/core/effect.js'
import type { Input } from '../../../lib/core/input.js'
import { type Acl, type Identities, OPEN_ACL_UNSAFE, Permission } from '../../../lib/model/acl.js'
import type { ClientId, PeerId } from '../../../lib/model/ids.js'
import { parentOf } from '../../../lib/model/path.js'
import type { Request, SetWatchesRequest } from '../../../lib/model/request.js'
import type { Response } from '../../../lib/model/response.js'
import type { TreeChange } from '../../../lib/model/tree-change.js'
import type { WatchEvent, WatchEventType } from '../../../lib/model/watch-event.js'
import { formatZxid, isAfter, sameZxid, ZERO, type Zxid } from '../../../lib/model/zxid.js'
import type { SimulatedPeer } from '../../../lib/testing/simulated-peer.js'
import type { WorldObserver } from '../../../lib/testing/world.js'
import { isRefusedEagerly } from './eager-refusals.js'
import type { Committed, Ledger } from './ledger.js'
import { zxidKey } from './ledger.js'
import { mayDo } from './model-access.js'
import type { ModelTree } from './model-tree.js'
import { Violation } from './violation.js'

interface Attached {
  readonly client: ClientId
  readonly peer: PeerId
  /** Who it is by now. */
  identities: Identities
  readonly waiting: { readonly cxid: number; readonly request: Request }[]
  /** Registered watches, by path. */
  readonly data: Set<string>
  readonly child: Set<string>
  /** Events that must come, in order. */
  expected: { readonly type: WatchEventType; readonly path: string; readonly zxid: Zxid }[]
  /** Events made up by setWatches, until its answer. */
  made: WatchEvent[]
  /** Commits up to here have been looked at. */
  at: Zxid
  last: Zxid
}

export class AttachmentChecker implements WorldObserver {
  readonly #ledger: Ledger
  readonly #model: ModelTree
  readonly #attached = new Map<ClientId, Attached>()
  /** When the children of each path changed, or itself was made, in order; of the chain so far as it was looked at. */
  readonly #childChanges = new Map<string, number[]>()
  #noted = 0

  constructor(ledger: Ledger, model: ModelTree) {
    this.#ledger = ledger
    this.#model = model
    ledger.world.observe(this)
  }

  stepped(peer: SimulatedPeer, input: Input): void {
    if (input.kind === 'clientAttached') {
      const { client, attachment } = input
      const rest = {
        identities: attachment.identities,
        waiting: [],
        data: new Set<string>(),
        child: new Set<string>(),
        expected: [],
        made: [],
        at: ZERO,
        last: ZERO,
      }
      this.#attached.set(client, { client, peer: peer.id, ...rest })
    } else if (input.kind === 'request') {
      const attached = this.#attached.get(input.client)
      attached?.waiting.push({ cxid: input.cxid, request: input.request })
      if (attached !== undefined && input.request.kind === 'authenticated') {
        // What was applied before is judged by who it was then.
        this.#expectUpTo(attached, this.#ledger.record(peer.id).former.applied)
        attached.identities = [...attached.identities, ...input.request.identities]
      }
    } else if (input.kind === 'clientDetached') this.#attached.delete(input.client)
  }

  performed(_peer: SimulatedPeer, effect: Effect, input: Input): void {
    if (effect.kind === 'detachClient') {
      const attached = this.#attached.get(effect.client)
      // A call that comes when its client is already let go (its lease has ended in this step) is not taken: the client's host fails it.
      const late = input.kind === 'request' && input.client === effect.client ? input.cxid : undefined
      const unanswered = attached?.waiting.filter(each => each.cxid !== late).length ?? 0
      if (unanswered > 0)
        throw new Violation('C2', `client ${effect.client} is detached with ${unanswered} calls unanswered`)
      this.#attached.delete(effect.client)
    } else if (effect.kind === 'reply' || effect.kind === 'fail') {
      const attached = this.#of(effect.client, effect.kind)
      const next = attached.waiting.shift()
      if (next?.cxid !== effect.cxid)
        throw new Violation(
          'C2',
          `client ${effect.client} is answered ${effect.cxid}, the next in order is ${next?.cxid}`,
        )
      if (effect.kind === 'reply') this.#reply(attached, next.request, effect.zxid, effect.response)
    } else if (effect.kind === 'notify') this.#notify(this.#of(effect.client, effect.kind), effect.event)
  }

  crashed(peer: SimulatedPeer): void {
    for (const [client, attached] of this.#attached) if (attached.peer === peer.id) this.#attached.delete(client)
  }
  stopped(peer: SimulatedPeer): void {
    this.crashed(peer)
  }

  #of(client: ClientId, what: string): Attached {
    const attached = this.#attached.get(client)
    if (attached === undefined) throw new Violation('C2', `${what} for client ${client}, which is not attached`)
    return attached
  }

  #reply(attached: Attached, request: Request, zxid: Zxid, response: Response): void {
    // No part of the order.
    if (isRefusedEagerly(this.#ledger, request, zxid, response)) return
    if (isAfter(attached.last, zxid))
      throw new Violation(
        'C3',
        `client ${attached.client} is answered at ${formatZxid(zxid)} after ${formatZxid(attached.last)}`,
      )
    attached.last = zxid
    this.#expectUpTo(attached, zxid)
    const missed = attached.expected[0]
    if (missed !== undefined) {
      const event = `${missed.type} ${missed.path} of ${formatZxid(missed.zxid)}`
      throw new Violation(
        'W1',
        `client ${attached.client} is answered at ${formatZxid(zxid)} before it is told ${event}`,
      )
    }
    if (request.kind === 'setWatches') return this.#restored(attached, request, zxid)
    if (attached.made.length > 0)
      throw new Violation('W5', `client ${attached.client} is told ${attached.made[0]!.type} without a change`)
    if (!('watch' in request) || !request.watch) return
    const missing = request.kind === 'exists' && response.kind === 'error' && response.code === 'NO_NODE'
    if (response.kind === 'error' && !missing) return
    const kind = request.kind === 'getChildren' ? attached.child : attached.data
    kind.add(request.path)
  }

  #notify(attached: Attached, event: WatchEvent): void {
    if (event.zxid === undefined) {
      attached.made.push(event)
      return
    }
    this.#expectUpTo(attached, event.zxid)
    const next = attached.expected[0]
    const index = attached.expected.findIndex(
      each => each.type === event.type && each.path === event.path && sameZxid(each.zxid, event.zxid!),
    )
    if (index === -1) {
      throw new Violation(
        this.#mayHear(attached, event) ? 'W3' : 'W7',
        `client ${attached.client} is told ${event.type} ${event.path} of ${formatZxid(event.zxid)}, for which it has no watch`,
      )
    }
    if (!sameZxid(next!.zxid, event.zxid))
      throw new Violation(
        'W2',
        `client ${attached.client} is told ${formatZxid(event.zxid)} before ${formatZxid(next!.zxid)}`,
      )
    attached.expected.splice(index, 1)
  }

  #mayHear({ identities }: Attached, { path, zxid, type }: WatchEvent): boolean {
    const key = zxidKey(zxid!) - (type === 'deleted' ? 0.5 : 0)
    const acl = this.#model.before(path, key)?.acl
    return acl === undefined || mayDo(acl, identities, Permission.READ)
  }

  /** What the commits up to `zxid` fire, by the table of semantics §10. */
  #expectUpTo(attached: Attached, zxid: Zxid): void {
    if (!isAfter(zxid, attached.at)) return
    const from = sameZxid(attached.at, ZERO) ? 0 : this.#ledger.at(attached.at)!.index + 1
    const to = this.#ledger.at(zxid)?.index ?? -1
    attached.at = zxid
    if (attached.data.size + attached.child.size === 0) return
    for (let index = from; index <= to; index++) this.#fire(attached, this.#ledger.chain[index]!)
  }

  #fire(attached: Attached, { changes, proposal: { zxid } }: Committed): void {
    const { data, child, expected } = attached
    for (const change of changes) {
      const { type, path } = change
      const told = data.delete(path)
      const gone = type === 'deleted' && child.delete(path)
      if ((told || gone) && this.#mayBeTold(attached, this.#aclOf(change, zxid))) expected.push({ type, path, zxid })
      if (type === 'dataChanged' || path === '/') continue
      const parent = parentOf(path)
      if (child.delete(parent) && this.#mayBeTold(attached, this.#aclOfParent(parent, zxid)))
        expected.push({ type: 'childrenChanged', path: parent, zxid })
    }
  }

  #mayBeTold({ identities }: Attached, acl: Acl | undefined): boolean {
    return acl !== undefined && mayDo(acl, identities, Permission.READ)
  }

  /** Of a znode of this txn that is gone again, or was not there before, only the txn itself tells. */
  #aclOf({ type, path, acl }: TreeChange, zxid: Zxid): Acl | undefined {
    const key = zxidKey(zxid) - (type === 'deleted' ? 0.5 : 0)
    return this.#model.before(path, key)?.acl ?? acl
  }

  #aclOfParent(path: string, zxid: Zxid): Acl {
    const key = zxidKey(zxid)
    return (this.#model.before(path, key) ?? this.#model.before(path, key - 0.5))?.acl ?? OPEN_ACL_UNSAFE
  }

  /** W4: each watch given again is told at once if something happened since, or stands again. */
  #restored(attached: Attached, request: SetWatchesRequest, zxid: Zxid): void {
    const key = zxidKey(zxid)
    const since = zxidKey(request.since)
    const expected: string[] = []
    for (const path of request.data) {
      const znode = this.#model.before(path, key)
      if (znode === undefined) expected.push(`deleted ${path}`)
      else if (znode.modifiedAt > since) expected.push(`dataChanged ${path}`)
      else attached.data.add(path)
    }
    for (const path of request.exist) {
      if (this.#model.before(path, key) === undefined) attached.data.add(path)
      else expected.push(`created ${path}`)
    }
    for (const path of request.child) {
      const znode = this.#model.before(path, key)
      if (znode === undefined) expected.push(`deleted ${path}`)
      else if (this.#childrenChangedAt(path, key) > since) expected.push(`childrenChanged ${path}`)
      else attached.child.add(path)
    }
    const told = attached.made.map(({ type, path }) => `${type} ${path}`)
    attached.made = []
    if (told.sort().join() !== expected.sort().join()) {
      throw new Violation(
        'W4',
        `client ${attached.client} restores its watches at ${formatZxid(zxid)} and is told [${told}], not [${expected}]`,
      )
    }
  }

  #childrenChangedAt(path: string, key: number): number {
    const { chain } = this.#ledger
    for (; this.#noted < chain.length; this.#noted++) this.#noteChildren(chain[this.#noted]!)
    return this.#childChanges.get(path)?.findLast(at => at <= key) ?? 0
  }

  #noteChildren({ changes, proposal }: Committed): void {
    const at = zxidKey(proposal.zxid)
    const note = (path: string) => {
      const before = this.#childChanges.get(path)
      if (before === undefined) this.#childChanges.set(path, [at])
      else before.push(at)
    }
    for (const { type, path } of changes) {
      if (type === 'dataChanged') continue
      if (path !== '/') note(parentOf(path))
      if (type === 'created') note(path)
    }
  }
}
